"""Replay or discard dead letters: plan where each is sent, send the commands, and collect the results.

An interrupted replay needs no memory: the topic shows which dead letters are closed, so running the same command again
continues with those that are still open.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any

from contracts.operations import CommandSettled, DiscardRequested, ReplayRequested
from contracts.order_statuses import TRASH
from services.cli.dead_letter_log import DeadLetter
from services.cli.dead_letters.channel import (
    CommandChannel,
    ReplayResult,
    ResultKind,
    find_result,
    refused_result,
    timed_out_result,
)
from services.cli.requests import command_header
from services.connectors.upstreams import open_shop
from services.connectors.woocommerce.client import WooCommerce
from services.engine.clock import utc_now
from services.engine.outbox.edits import is_editable
from services.engine.outbox.upstream_errors import UpstreamError
from services.settings import Settings

log = logging.getLogger(__name__)
RECORD_TIMEOUT = 2.0
"""Seconds to wait for a record that is read again: a service reads it and dead-letters it in one transaction."""
OnResult = Callable[[ReplayResult], None]


@dataclass(frozen=True, slots=True)
class ReplayRoute:
    """Where a dead letter is replayed, and what happens there. `held_back`: why it is not sent, otherwise empty."""

    dead_letter: DeadLetter
    target: str
    action: str
    held_back: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The route for `--json`."""
        one = self.dead_letter.event
        return {
            "dead_letter": one.dead_letter,
            "reason": one.reason,
            "about": one.about,
            "service": one.service,
            "target": self.target,
            "action": self.action,
            "held_back": self.held_back,
        }


def plan_routes(dead_letters: Sequence[DeadLetter], loop_guard: int, *, in_bulk: bool) -> list[ReplayRoute]:
    """Plan the replay of dead letters. In bulk, one that failed again `loop_guard` times in a row is held back."""
    guard = loop_guard if in_bulk else None
    return [ReplayRoute(one, _target(one), _describe_action(one), _why_held_back(one, guard)) for one in dead_letters]


def _target(dead_letter: DeadLetter) -> str:
    one = dead_letter.event
    if one.record:
        return f"{one.service}: {one.record.topic}/{one.record.partition}/{one.record.offset}"
    lane = one.delivery.lane if one.delivery else ""
    return f"{one.service}: {lane}" if lane else one.service


def _describe_action(dead_letter: DeadLetter) -> str:
    delivery = dead_letter.event.delivery
    if delivery is None:
        return "read again"
    if delivery.blocked_on:
        return f"decided again, blocked on {delivery.blocked_on}"
    if is_editable(dead_letter.event):
        return "computed again and sent"
    return "decided again"


def _why_held_back(dead_letter: DeadLetter, guard: int | None) -> str:
    if dead_letter.settled is not None:
        return f"already {dead_letter.settled.how}"
    replays = dead_letter.event.replays
    if guard is not None and replays >= guard:
        return (
            f"replayed {replays} times without success (retry.loop-guard is {guard}): fix the cause, then run "
            f"davtari dead-letters replay {dead_letter.id}"
        )
    return ""


def count_reasons(routes: Sequence[ReplayRoute]) -> dict[str, int]:
    """The number of dead letters by reason code, the most frequent first."""
    return dict(Counter(route.dead_letter.event.reason for route in routes).most_common())


async def hold_back_deleted_orders(routes: Iterable[ReplayRoute], settings: Settings) -> list[ReplayRoute]:
    """Hold back dead letters whose order is deleted in the shop.

    Each order is read once, and only if the replay may write. If a shop does not answer, its dead letters are replayed:
    a delivery reads the order again before it writes.
    """
    found: list[ReplayRoute] = []
    deletions: dict[tuple[str, int], str] = {}
    async with AsyncExitStack() as stack:
        shops = {name: await stack.enter_async_context(open_shop(settings, name, utc_now)) for name in settings.shops}
        for route in routes:
            shop, order = route.dead_letter.shop, route.dead_letter.order
            if (
                route.held_back
                or not may_write(route.dead_letter)
                or shop not in shops
                or shop is None
                or order is None
            ):
                found.append(route)
                continue
            if (shop, order) not in deletions:
                deletions[shop, order] = await _find_deletion(shops[shop], shop, order)
            found.append(_hold_back(route, deletions[shop, order]))
    return found


async def _find_deletion(client: WooCommerce, shop: str, order: int) -> str:
    try:
        row = await client.order(order)
    except UpstreamError as error:
        log.warning("the shop does not answer", extra={"shop": shop, "why": error.message})
        return ""
    if row is None:
        return f"order {order} does not exist in shop {shop} (404)"
    return f"order {order} is in the trash of shop {shop}" if row.get("status") == TRASH else ""


def _hold_back(route: ReplayRoute, deletion: str) -> ReplayRoute:
    if not deletion:
        return route
    discard = f"davtari dead-letters discard {route.dead_letter.id} --reason 'order deleted'"
    return replace(route, held_back=f"{deletion}. Nothing was sent. If it needs no document: {discard}")


def may_write(dead_letter: DeadLetter) -> bool:
    """Whether a replay may write something about the order. Records and the deliveries of store-feed only read."""
    return dead_letter.event.record is None and dead_letter.event.service != "store-feed"


async def replay_routes(
    channel: CommandChannel, routes: Sequence[ReplayRoute], rate: float, patience: float, on_result: OnResult
) -> list[ReplayResult]:
    """Replay at most `rate` dead letters per second, and wait up to `patience` seconds for the result of each.

    Those that are held back are not sent. `on_result` is called with each result as soon as it is known.
    """
    tasks: list[asyncio.Task[ReplayResult]] = []
    results = [ReplayResult(one.dead_letter, _unsent_kind(one), one.held_back) for one in routes if one.held_back]
    for known in results:
        on_result(known)
    async with asyncio.TaskGroup() as group:
        for dead_letter in (one.dead_letter for one in routes if not one.held_back):
            request = ReplayRequested(dead_letter=dead_letter.event.dead_letter, **command_header())
            correlation = await channel.send(request)
            tasks.append(group.create_task(_report_result(channel, dead_letter, correlation, patience, on_result)))
            await asyncio.sleep(1 / rate)
    return [*results, *[task.result() for task in tasks]]


def _unsent_kind(route: ReplayRoute) -> ResultKind:
    return "held back" if route.dead_letter.open else "nothing to do"


async def _report_result(
    channel: CommandChannel, dead_letter: DeadLetter, correlation: str, patience: float, on_result: OnResult
) -> ReplayResult:
    result = await await_result(channel, dead_letter, correlation, patience)
    on_result(result)
    return result


async def await_result(
    channel: CommandChannel, dead_letter: DeadLetter, correlation: str, patience: float, replacement: str = ""
) -> ReplayResult:
    """Wait up to `patience` seconds for the result of a command; of one about a record at most `RECORD_TIMEOUT`."""
    timeout = min(patience, RECORD_TIMEOUT) if dead_letter.event.record else patience
    id_ = dead_letter.event.dead_letter
    result = await channel.wait_for(
        lambda: find_result(dead_letter, channel.events_after(correlation, id_), replacement), timeout
    )
    return result or timed_out_result(dead_letter, channel.events_after(correlation, id_), timeout)


async def discard_all(
    channel: CommandChannel, dead_letters: Sequence[DeadLetter], why: str, patience: float
) -> list[ReplayResult]:
    """Discard dead letters, and wait up to `patience` seconds for the answers of their services."""
    closed = [ReplayResult(one, "nothing to do", f"already {one.settled.how}") for one in dead_letters if one.settled]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_discard_one(channel, one, why, patience)) for one in dead_letters if one.open]
    return [*closed, *(task.result() for task in tasks)]


async def _discard_one(channel: CommandChannel, dead_letter: DeadLetter, why: str, patience: float) -> ReplayResult:
    id_ = dead_letter.event.dead_letter
    correlation = await channel.send(DiscardRequested(dead_letter=id_, why=why, **command_header()))
    answer = await channel.wait_for(lambda: _find_answer(channel, correlation, id_), patience)
    if answer is None:
        return timed_out_result(dead_letter, [], patience)
    if answer.outcome == "refused":
        return refused_result(dead_letter, answer)
    return ReplayResult(dead_letter, "done", f"discarded: {why}")


def _find_answer(channel: CommandChannel, correlation: str, dead_letter: str) -> CommandSettled | None:
    events = channel.events_after(correlation, dead_letter)
    return next((event for event in events if isinstance(event, CommandSettled)), None)
