"""`davtari backfill orders`: find what is in the shop but not in the books, and have it read and exported."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

import typer

from contracts.approvals import ApprovalAsked
from contracts.delivery_ids import credit_note_id, order_key, read_id, refund_key, sale_id
from contracts.envelope import Envelope
from contracts.ledger import CreditNoteRecorded, SaleRecorded
from contracts.model import Event
from contracts.operations import Command, CommandSettled, DeadLettered, PushRequested, ReadRequested
from contracts.placement import SalePostponed
from contracts.reasons import Reason
from contracts.shop import OrderChanged, OrderRemoved, OrderUnreadable
from services.cli import times
from services.cli.backfill.plan import BackfillPlan, BackfillStep, plan_backfill
from services.cli.command import (
    FAILED,
    NO_ANSWER,
    DryRun,
    InvalidArgument,
    Json,
    OneShop,
    Patience,
    command,
    read_settings,
    select_shops,
)
from services.cli.day_close.shop_now import DayRange, ShopQuery
from services.cli.orders.app import read_waits
from services.cli.requests import command_header, user_name
from services.cli.screen import console, print_json
from services.connectors.identity.status import describe_block
from services.connectors.upstreams import open_shop
from services.console.model.event_text import describe_event
from services.console.model.history import TOPICS, OrderFacts, collect_facts
from services.engine.client.commands import decoded_events, issue, open_answers
from services.engine.client.reader import read_events
from services.engine.clock import utc_now
from services.engine.outbox.dead_letters import order_key_of
from services.engine.state.store import chunks
from services.settings import Settings

RESULT_TOPICS = ("shop.orders", "shop.refunds", "ledger.documents", "dead-letters", "operations")
BATCH_SIZE = 500
"""Orders in one command."""
ACTIONS = {"read": "read again: ", "push": "export: ", "none": ""}
app = typer.Typer(no_args_is_help=True, help="Find what is missing in the books, and export it.")
First = Annotated[str, typer.Option("--from", help="The first day in Tbilisi, for example 2026-11-20.")]
Last = Annotated[str, typer.Option("--to", help="The last day.")]


@dataclass(slots=True)
class StepOutcome:
    """The outcome of a step so far. `pending`: ids of expected deliveries; `failed`: a person must resolve it."""

    pending: set[str]
    messages: list[str] = field(default_factory=list)
    failed: bool = False

    def apply(self, event: Event) -> None:
        """Update the outcome with an event about the order."""
        if not (completed := _completed_deliveries(event)):
            return
        self.messages.append(str(describe_event(event)))
        self.failed |= _is_failure(event)
        ended = self.failed or isinstance(event, OrderRemoved | OrderUnreadable)
        self.pending = set() if ended else self.pending - completed

    @property
    def text(self) -> str:
        """The outcome for people."""
        if not self.messages:
            return "no answer yet: check that the services run (davtari status)"
        return "; ".join(self.messages) + ("; the rest continues by itself" if self.pending else "")


def _completed_deliveries(event: Event) -> set[str]:
    """The ids of the deliveries that an event completes."""
    match event:
        case OrderChanged() | OrderRemoved() | OrderUnreadable():
            return {read_id(event.key)}
        case SaleRecorded() | SalePostponed():
            return {sale_id(event.key)}
        case CreditNoteRecorded():
            return {credit_note_id(refund_key(event.key, event.refund_id))}
        case ApprovalAsked():
            return {event.document}
        case DeadLettered():
            return {event.about}
        case _ if _is_refusal(event):
            return {"push"}
        case _:
            return set()


def _is_failure(event: Event) -> bool:
    """Whether a person must act. An order that the shop reports as missing is read again automatically."""
    if isinstance(event, OrderUnreadable):
        return event.reason != Reason.SHOP_ORDER_MISSING
    return isinstance(event, DeadLettered) or _is_refusal(event)


def _is_refusal(event: Event) -> bool:
    return isinstance(event, CommandSettled) and event.outcome == "refused"


async def run_steps(settings: Settings, steps: Sequence[BackfillStep], patience: float) -> list[StepOutcome]:
    """Send the steps to the services, and wait up to `patience` seconds. Returns the outcomes in the order of steps."""
    outcomes = [
        StepOutcome({*step.documents, *({read_id(step.key)} if step.action == "read" else ())}) for step in steps
    ]
    pushes = {step: _build_push_request(step) for step in steps if step.action == "push"}
    by_command = {command.command_id: outcomes[at] for at, step in enumerate(steps) if (command := pushes.get(step))}
    by_order = _index_by_order(steps, outcomes)
    async with open_answers(settings.kafka, *RESULT_TOPICS) as consumer:
        await issue(settings, *_build_read_requests(steps), *pushes.values(), asked_by=user_name())
        with suppress(TimeoutError):  # what is not completed in time continues by itself
            async with asyncio.timeout(patience):
                await _collect_results(decoded_events(consumer), by_order, by_command)
    return outcomes


def _index_by_order(steps: Sequence[BackfillStep], outcomes: Sequence[StepOutcome]) -> dict[str, list[StepOutcome]]:
    found: dict[str, list[StepOutcome]] = {}
    for step, outcome in zip(steps, outcomes, strict=True):
        found.setdefault(step.key, []).append(outcome)
    return found


async def _collect_results(
    events: AsyncIterator[Envelope[Event]], by_order: dict[str, list[StepOutcome]], by_command: dict[str, StepOutcome]
) -> None:
    while any(outcome.pending for outcomes in by_order.values() for outcome in outcomes):
        event = (await anext(events)).data
        if isinstance(event, CommandSettled):
            concerned = [by_command[event.command_id]] if event.command_id in by_command else []
        else:
            concerned = by_order.get(_order_key_of(event), [])
        for outcome in concerned:
            outcome.apply(event)


def _order_key_of(event: Event) -> str:
    """The key (`shop:order`) of the order that an event concerns; empty if it concerns none."""
    if isinstance(event, DeadLettered):
        return order_key_of(event) or ""
    shop, order_id = getattr(event, "shop", ""), getattr(event, "order_id", "")
    return order_key(shop, order_id)


def _build_read_requests(steps: Sequence[BackfillStep]) -> list[Command]:
    by_shop: dict[str, list[int]] = {}
    for step in steps:
        if step.action == "read":
            by_shop.setdefault(step.key.partition(":")[0], []).append(step.order_id)
    return [
        ReadRequested(shop=shop, order_ids=tuple(some), **command_header())
        for shop, ids in by_shop.items()
        for some in chunks(ids, BATCH_SIZE)
    ]


def _build_push_request(step: BackfillStep) -> PushRequested:
    shop = step.key.partition(":")[0]
    document = {"document": "order" if step.refund_id is None else "refund", "refund_id": step.refund_id}
    return PushRequested.model_validate({"shop": shop, "order_id": step.order_id, **document, **command_header()})


@dataclass(frozen=True, slots=True)
class BackfillResult:
    """The plan of a shop, and the outcomes of the steps that were sent."""

    plan: BackfillPlan
    outcomes: Sequence[StepOutcome] = ()

    @property
    def code(self) -> int:
        """The exit code: 3 if a service did not answer, 1 if a person must resolve something."""
        if any(not outcome.messages for outcome in self.outcomes):
            return NO_ANSWER
        stopped = any(step.stopped for step in self.plan.steps) or any(outcome.failed for outcome in self.outcomes)
        return FAILED if stopped else 0


@app.command(name="orders")
@command
async def backfill_orders(
    first: First,
    last: Last,
    shop: OneShop = "",
    dry_run: DryRun = False,
    patience: Patience = 60.0,
    json: Json = False,
) -> int:
    """Read and export every order and refund of these days that is missing in the topics or in the books.

    Safe to repeat: what is in the books is not exported again, and held orders remain held. --dry-run lists the steps.
    """
    chosen, days = read_settings(), _parse_days(first, last)
    facts = collect_facts([envelope async for envelope in read_events(chosen, TOPICS)])
    plans = [await _plan_shop(chosen, name, days, facts, utc_now()) for name in select_shops(chosen, shop)]
    results = [BackfillResult(plan, () if dry_run else await _run_plan(chosen, plan, patience)) for plan in plans]
    if json:
        print_json({"shops": [_to_dict(one) for one in results]})
    else:
        for one in results:
            _print_result(one, dry_run=dry_run)
    return max(one.code for one in results)


def _parse_days(first: str, last: str) -> DayRange:
    days = DayRange(times.parse_date(first), times.parse_date(last))
    if days.first > days.last:
        raise InvalidArgument(f"--from {first} is later than --to {last}")
    return days


async def _plan_shop(chosen: Settings, shop: str, days: DayRange, facts: OrderFacts, now: datetime) -> BackfillPlan:
    """Raises `UpstreamError` if the shop does not answer, `InvalidArgument` if its identity has changed."""
    if unrecognized := facts.unrecognized.get(shop):
        raise InvalidArgument(describe_block(unrecognized))
    rules = chosen.shops[shop]
    async with open_shop(chosen, shop, utc_now) as client:
        answer = await ShopQuery(shop, client, facts.of_shop(shop), days, rules.orders).run()
    return plan_backfill(shop, answer, facts, rules, now, read_waits(chosen))


async def _run_plan(chosen: Settings, plan: BackfillPlan, patience: float) -> Sequence[StepOutcome]:
    return await run_steps(chosen, plan.sent, patience) if plan.sent else ()


def _print_result(one: BackfillResult, *, dry_run: bool) -> None:
    plan, waiting = one.plan, [step for step in one.plan.steps if step.action == "none"]
    console.print(
        f"{plan.shop}: {plan.booked} orders in the books · {plan.not_due} without a document for now · "
        f"{len(plan.sent)} to read or export · {len(waiting)} waiting",
        soft_wrap=True,
    )
    for step, outcome in _pair_outcomes(one):
        console.print(f"  {step.name}: {ACTIONS[step.action]}{step.why}", soft_wrap=True)
        if outcome is not None:
            console.print(f"      {outcome.text}", style="red" if outcome.failed else "dim", soft_wrap=True)
    if dry_run and plan.sent:
        console.print("Dry run: nothing was sent.")


def _pair_outcomes(one: BackfillResult) -> list[tuple[BackfillStep, StepOutcome | None]]:
    outcomes = dict(zip(one.plan.sent, one.outcomes, strict=True)) if one.outcomes else {}
    return [(step, outcomes.get(step)) for step in one.plan.steps]


def _to_dict(one: BackfillResult) -> dict[str, Any]:
    steps = [
        {
            "order_id": step.order_id,
            "refund_id": step.refund_id,
            "number": step.number,
            "action": step.action,
            "why": step.why,
            "outcome": outcome.text if outcome else None,
        }
        for step, outcome in _pair_outcomes(one)
    ]
    return {"shop": one.plan.shop, "booked": one.plan.booked, "not_due": one.plan.not_due, "steps": steps}
