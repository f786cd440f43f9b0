"""Having a plan carried out: ask for exactly its changes, then watch until each is written, left out or refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from contracts.catalog import ProductLinked, ProductPlanned
from contracts.envelope import Envelope
from contracts.model import Event
from contracts.operations import ApplyRequested, DeadLettered
from services.accounting.checks.groups import selected
from services.cli.plans.plan import TOPICS, Plan, build_plan, split_changes
from services.cli.requests import NoAnswer, command_header
from services.connectors.upstreams import open_shop
from services.engine.client.commands import decoded_events, open_answers, send_command
from services.engine.client.reader import read_events
from services.engine.clock import utc_now
from services.settings.model import Settings

# No plan is applied while a selected group has no category in the shop (claim S1.9).


class GroupsNotMapped(Exception):
    """Selected groups have no category in the shop; the message names each, and what to do."""


async def check_selected_groups(settings: Settings, shop: str) -> None:
    """Raises `NotMapped` when a group that shall be sold has no category that is in the shop."""
    async with open_shop(settings, shop, utc_now) as client:
        found = await selected(client, settings, shop)
    if found:
        lines = [f"  {finding}" for finding in found]
        raise GroupsNotMapped(
            "\n".join([f"nothing is applied: in shop {shop} not every selected group is mapped", *lines])
        )


WATCHED = ("catalog.links", "catalog.plans", "dead-letters")


class StalePlan(Exception):
    """There is no such plan any more; the message says what to do."""


@dataclass
class PlanProgress:
    """What became of each item so far; `wanted` is item → digest of the planned change."""

    shop: str
    wanted: dict[str, str]
    written: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def open(self) -> int:
        """How many are still to come."""
        return len(self.wanted) - len(self.written) - len(self.left_out)

    def hear(self, event: Event) -> bool:
        """Note what an event says of an item of the plan; whether it did."""
        match event:
            case ProductLinked() if self._waits(event.shop, event.item) and event.written:
                if event.written.digest == self.wanted[event.item]:
                    self.written.append(event.item)
                    return True
            case ProductPlanned() if self._waits(event.shop, event.item):
                self.left_out[event.item] = event.detail or f"planned anew: {event.action}"
                return True
            case DeadLettered():
                shop, _, item = (event.original_key or "").partition(":")
                if self._waits(shop, item):
                    self.left_out[item] = f"{event.reason}: {event.detail}"
                    return True
        return False

    def _waits(self, shop: str, item: str) -> bool:
        return shop == self.shop and item in self.wanted and item not in self.left_out and item not in self.written


async def read_plan(settings: Settings, shop: str) -> Plan:
    """The plan of a shop as the topics have it now."""
    return build_plan(shop, [envelope async for envelope in read_events(settings.kafka, TOPICS)])


async def find_plan(settings: Settings, plan_id: str) -> Plan:
    """The plan of this id. Raises `StalePlan` when what would be done is not that any more."""
    envelopes = [envelope async for envelope in read_events(settings.kafka, TOPICS)]
    plans = [build_plan(shop, envelopes) for shop in settings.shops]
    for one in plans:
        if one.id == plan_id:
            return one
    now = ", ".join(f"{one.id} for shop {one.shop} ({len(one.changes)} changes)" for one in plans)
    raise StalePlan(f"there is no plan {plan_id} any more: what would be done has changed. Look again: now it is {now}")


async def apply_plan(
    settings: Settings, chosen: Plan, patience: float, seen: Callable[[PlanProgress], None]
) -> PlanProgress:
    """Carry a plan out. `patience`: seconds without any progress until `NoAnswer` is raised; the work goes on then."""
    progress = PlanProgress(chosen.shop, {change.said.item: change.said.digest for change in chosen.changes})
    async with open_answers(settings.kafka, *WATCHED) as consumer:
        for piece in split_changes(chosen.changes):
            asked = ApplyRequested(shop=chosen.shop, plan=chosen.id, changes=piece, **command_header())
            await send_command(settings.kafka, asked, datetime.now(UTC))
        await _watch(progress, aiter(decoded_events(consumer)), patience, seen)
    return progress


async def _watch(
    progress: PlanProgress,
    events: AsyncIterator[Envelope[Event]],
    patience: float,
    seen: Callable[[PlanProgress], None],
) -> None:
    while progress.open:
        try:
            envelope = await asyncio.wait_for(anext(events), patience)
        except TimeoutError:
            raise NoAnswer(_silence(progress, patience)) from None
        if progress.hear(envelope.data):
            seen(progress)


def _silence(progress: PlanProgress, patience: float) -> str:
    return (
        f"{progress.open} of {len(progress.wanted)} changes were not seen written; nothing came for {patience:g} s. "
        "What was approved is kept and will be written. Does catalog-importer run? davtari status, davtari up; then "
        "davtari plan items"
    )
