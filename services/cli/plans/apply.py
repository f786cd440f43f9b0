"""Carries out a plan: requests exactly its changes, and waits until each is written, left out or refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from contracts.catalog import ProductLinked, ProductPlanned
from contracts.envelope import Envelope
from contracts.model import Event
from contracts.operations import ApplyRequested, DeadLettered
from services.accounting.checks.groups import find_group_faults
from services.cli.plans.plan import TOPICS, Plan, build_plan, split_changes
from services.cli.requests import NoAnswer, command_header, user_name
from services.connectors.upstreams import open_shop
from services.engine.client.commands import decoded_events, issue, open_answers
from services.engine.client.reader import read_events
from services.engine.clock import utc_now
from services.settings.model import Settings


class GroupsNotMapped(Exception):
    """Selected groups have no category in the shop; the message lists them and what to do."""


async def check_selected_groups(settings: Settings, shop: str) -> None:
    """Raise `GroupsNotMapped` if a group to be sold has no category in the shop (claim S1.9)."""
    async with open_shop(settings, shop, utc_now) as client:
        found = await find_group_faults(client, settings, shop)
    if found:
        lines = [f"  {finding}" for finding in found]
        raise GroupsNotMapped(
            "\n".join([f"Nothing was applied: not all selected groups of shop {shop} have a category.", *lines])
        )


WATCHED = ("catalog.links", "catalog.plans", "dead-letters")


class StalePlan(Exception):
    """The plan is out of date; the message states what to do."""


@dataclass
class PlanProgress:
    """The result of each item so far. `wanted`: item → digest of its planned change."""

    shop: str
    wanted: dict[str, str]
    written: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def open(self) -> int:
        """The number of items without a result."""
        return len(self.wanted) - len(self.written) - len(self.left_out)

    def apply_event(self, event: Event) -> bool:
        """Record the result of an item. Returns whether the event had one."""
        match event:
            case ProductLinked() if self._is_open(event.shop, event.item) and event.written:
                if event.written.digest == self.wanted[event.item]:
                    self.written.append(event.item)
                    return True
            case ProductPlanned() if self._is_open(event.shop, event.item):
                self.left_out[event.item] = event.detail or f"planned again: {event.action}"
                return True
            case DeadLettered():
                shop, _, item = (event.original_key or "").partition(":")
                if self._is_open(shop, item):
                    self.left_out[item] = f"{event.reason}: {event.detail}"
                    return True
        return False

    def _is_open(self, shop: str, item: str) -> bool:
        return shop == self.shop and item in self.wanted and item not in self.left_out and item not in self.written


async def read_plan(settings: Settings, shop: str) -> Plan:
    """Read the current plan of a shop from Kafka."""
    return build_plan(shop, [envelope async for envelope in read_events(settings, TOPICS)])


async def find_plan(settings: Settings, plan_id: str) -> Plan:
    """Find the plan with this id. Raises `StalePlan` if the current plans differ."""
    envelopes = [envelope async for envelope in read_events(settings, TOPICS)]
    plans = [build_plan(shop, envelopes) for shop in settings.shops]
    for one in plans:
        if one.id == plan_id:
            return one
    now = ", ".join(f"{one.id} for shop {one.shop} ({len(one.changes)} changes)" for one in plans)
    raise StalePlan(f"Plan {plan_id} is out of date. Current plans: {now}")


async def apply_plan(
    settings: Settings, chosen: Plan, patience: float, seen: Callable[[PlanProgress], None]
) -> PlanProgress:
    """Carry out a plan. Raises `NoAnswer` after `patience` seconds without progress; the services continue."""
    progress = PlanProgress(chosen.shop, {change.planned.item: change.planned.digest for change in chosen.changes})
    async with open_answers(settings.kafka, *WATCHED) as consumer:
        for piece in split_changes(chosen.changes):
            asked = ApplyRequested(shop=chosen.shop, plan=chosen.id, changes=piece, **command_header())
            await issue(settings, asked, asked_by=user_name())
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
            async with asyncio.timeout(patience):
                envelope = await anext(events)
        except TimeoutError:
            raise NoAnswer(_describe_timeout(progress, patience)) from None
        if progress.apply_event(envelope.data):
            seen(progress)


def _describe_timeout(progress: PlanProgress, patience: float) -> str:
    return (
        f"{progress.open} of {len(progress.wanted)} changes are not confirmed; there was no answer for {patience:g} s. "
        "The plan is stored and will be carried out. "
        "Check that catalog-importer runs (davtari status, davtari up), then run davtari plan items."
    )
