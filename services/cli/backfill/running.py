"""Carrying a backfill out: ask the services, and hear what comes of each order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from contracts.approvals import ApprovalAsked
from contracts.envelope import Envelope
from contracts.ledger import CreditNoteRecorded, SaleRecorded
from contracts.model import Event
from contracts.operations import Command, CommandSettled, DeadLettered, PushRequested, ReadRequested
from contracts.placement import SalePostponed
from contracts.reasons import Reason
from contracts.shop import OrderChanged, OrderRemoved, OrderUnreadable
from services.cli.backfill.missing import Step
from services.cli.order.said import said
from services.cli.requests import command_header
from services.engine.kafka.commands import answers, following, send_all
from services.engine.outbox.letter_about import order_key_of
from services.engine.runtime.clock import utc_now
from services.engine.state.store import chunks
from services.settings import Settings

HEARD = ("shop.orders", "shop.refunds", "ledger.documents", "dead-letters", "operations")
AT_ONCE = 500
"""Orders that one command names."""


@dataclass(slots=True)
class Outcome:
    """What has come of a step so far. `left` names what is still expected; `failed`: a person has to look."""

    left: set[str]
    told: list[str] = field(default_factory=list)
    failed: bool = False

    def take(self, event: Event) -> None:
        """Note what an event says of it."""
        if not (names := _names(event)):
            return
        self.told.append(said(event))
        self.failed |= _needs_a_person(event)
        ends = self.failed or isinstance(event, OrderRemoved | OrderUnreadable)
        self.left = set() if ends else self.left - names

    @property
    def text(self) -> str:
        """In words."""
        if not self.told:
            return "no answer yet: do the services run? (davtari status)"
        return "; ".join(self.told) + ("; the rest follows by itself" if self.left else "")


def _names(event: Event) -> set[str]:
    """What an event brings to an end, by the names of deliveries."""
    match event:
        case OrderChanged() | OrderRemoved() | OrderUnreadable():
            return {f"read:{event.key}"}
        case SaleRecorded() | SalePostponed():
            return {f"sale:{event.key}"}
        case CreditNoteRecorded():
            return {f"credit-note:{event.key}:{event.refund_id}"}
        case ApprovalAsked():
            return {event.document}
        case DeadLettered():
            return {event.about}
        case _ if _is_refusal(event):
            return {"push"}
        case _:
            return set()


def _needs_a_person(event: Event) -> bool:
    """An order that the shop says is gone is asked for again by itself."""
    if isinstance(event, OrderUnreadable):
        return event.reason != Reason.SHOP_ORDER_MISSING
    return isinstance(event, DeadLettered) or _is_refusal(event)


def _is_refusal(event: Event) -> bool:
    return isinstance(event, CommandSettled) and event.outcome == "refused"


async def carry_out(settings: Settings, steps: Sequence[Step], patience: float) -> list[Outcome]:
    """Have the steps carried out; what came of each within so many seconds, in their order."""
    outcomes = [Outcome({*step.documents, *({f"read:{step.key}"} if step.action == "read" else ())}) for step in steps]
    pushes = {step: _push(step) for step in steps if step.action == "push"}
    by_command = {command.command_id: outcomes[at] for at, step in enumerate(steps) if (command := pushes.get(step))}
    by_order = _by_order(steps, outcomes)
    async with answers(settings.kafka, *HEARD) as consumer:
        await send_all(settings.kafka, [*_read_requests(steps), *pushes.values()], utc_now())
        with suppress(TimeoutError):  # what did not come in time follows by itself
            async with asyncio.timeout(patience):
                await _hear(following(consumer), by_order, by_command)
    return outcomes


def _by_order(steps: Sequence[Step], outcomes: Sequence[Outcome]) -> dict[str, list[Outcome]]:
    found: dict[str, list[Outcome]] = {}
    for step, outcome in zip(steps, outcomes, strict=True):
        found.setdefault(step.key, []).append(outcome)
    return found


async def _hear(
    events: AsyncIterator[Envelope[Event]], by_order: dict[str, list[Outcome]], by_command: dict[str, Outcome]
) -> None:
    while any(outcome.left for outcomes in by_order.values() for outcome in outcomes):
        event = (await anext(events)).data
        if isinstance(event, CommandSettled):
            concerned = [by_command[event.command_id]] if event.command_id in by_command else []
        else:
            concerned = by_order.get(_order_of(event), [])
        for outcome in concerned:
            outcome.take(event)


def _order_of(event: Event) -> str:
    """The order (`shop:order`) that an event is about; empty for any other."""
    if isinstance(event, DeadLettered):
        return order_key_of(event) or ""
    shop, order_id = getattr(event, "shop", ""), getattr(event, "order_id", "")
    return f"{shop}:{order_id}"


def _read_requests(steps: Sequence[Step]) -> list[Command]:
    by_shop: dict[str, list[int]] = {}
    for step in steps:
        if step.action == "read":
            by_shop.setdefault(step.key.partition(":")[0], []).append(step.order_id)
    return [
        ReadRequested(shop=shop, order_ids=tuple(some), **command_header())
        for shop, ids in by_shop.items()
        for some in chunks(ids, AT_ONCE)
    ]


def _push(step: Step) -> PushRequested:
    shop = step.key.partition(":")[0]
    document = {"document": "order" if step.refund_id is None else "refund", "refund_id": step.refund_id}
    return PushRequested.model_validate({"shop": shop, "order_id": step.order_id, **document, **command_header()})
