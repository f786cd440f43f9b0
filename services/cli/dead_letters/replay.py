"""Replaying dead letters one after the other, at a bounded rate, and hearing what came of each.

A replay needs no memory of its own: a letter that was replayed is closed in the topic. So a run that was interrupted is
started again as it was, and takes up the letters that are still open.
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
from services.cli import requests
from services.cli.dead_letter_log import DeadLetter
from services.cli.dead_letters.channel import CommandChannel, ReplayResult, ResultKind, find_result, timed_out_result
from services.connectors.upstreams import open_shop
from services.connectors.woocommerce.client import WooCommerce
from services.engine.clock import utc_now
from services.engine.outbox.edits import is_editable
from services.engine.outbox.upstream_errors import UpstreamError
from services.settings import Settings

# Where each dead letter goes when it is replayed, and what will happen there.


@dataclass(frozen=True, slots=True)
class ReplayRoute:
    """One letter's way. `stays` says why it is not sent; it is empty for one that is."""

    letter: DeadLetter
    target: str
    happens: str
    stays: str = ""

    def plain(self) -> dict[str, Any]:
        """The way as data."""
        told = self.letter.letter
        return {
            "dead_letter": told.dead_letter,
            "reason": told.reason,
            "about": told.about,
            "service": told.service,
            "target": self.target,
            "happens": self.happens,
            "stays": self.stays,
        }


def plan_routes(letters: Sequence[DeadLetter], loop_guard: int, *, in_bulk: bool) -> list[ReplayRoute]:
    """The ways of these letters. In bulk, one whose replays were in vain `loop_guard` times in a row stays."""
    return [
        ReplayRoute(one, _target(one), _describe_action(one), _hold_back_reason(one, loop_guard if in_bulk else None))
        for one in letters
    ]


def _target(one: DeadLetter) -> str:
    told = one.letter
    if told.record:
        return f"{told.service}: {told.record.topic}/{told.record.partition}/{told.record.offset}"
    lane = told.delivery.lane if told.delivery else ""
    return f"{told.service}: {lane}" if lane else told.service


def _describe_action(one: DeadLetter) -> str:
    delivery = one.letter.delivery
    if delivery is None:
        return "read again"
    if delivery.blocked_on:
        return f"decided again, waits for {delivery.blocked_on}"
    if is_editable(one.letter):
        return "computed anew and sent"
    return "decided again"


def _hold_back_reason(one: DeadLetter, guard: int | None) -> str:
    if one.settled is not None:
        return f"{one.settled.how} already: nothing to do"
    if guard is not None and one.letter.replays >= guard:
        return (
            f"replayed in vain {one.letter.replays} times (retry.loop-guard {guard}): mend its cause, then "
            f"davtari dead-letters replay {one.id}"
        )
    return ""


def count_reasons(ways: Sequence[ReplayRoute]) -> dict[str, int]:
    """How many of each reason, the most frequent first."""
    return dict(Counter(way.letter.letter.reason for way in ways).most_common())


# Whether the order that a dead letter is about is still in its shop.

log = logging.getLogger(__name__)


async def hold_back_deleted_orders(ways: Iterable[ReplayRoute], settings: Settings) -> list[ReplayRoute]:
    """The ways, where those stay whose order the shop does not hold any more.

    Each order is asked for once, and only for what would be written. A shop that does not answer holds nothing up: what
    is replayed reads before it writes.
    """
    found: list[ReplayRoute] = []
    known: dict[tuple[str, int], str] = {}
    async with AsyncExitStack() as stack:
        shops = {name: await stack.enter_async_context(open_shop(settings, name, utc_now)) for name in settings.shops}
        for way in ways:
            shop, order = way.letter.shop, way.letter.order
            if way.stays or not may_write(way.letter) or shop not in shops or shop is None or order is None:
                found.append(way)
                continue
            if (shop, order) not in known:
                known[shop, order] = await _find_deletion(shops[shop], shop, order)
            found.append(_hold_back(way, known[shop, order]))
    return found


async def _find_deletion(client: WooCommerce, shop: str, order: int) -> str:
    try:
        held = await client.order(order)
    except UpstreamError as error:
        log.warning("the shop cannot be asked", extra={"shop": shop, "why": error.message})
        return ""
    if held is None:
        return f"order {order} is gone: shop {shop} answers 404"
    return f"order {order} lies in the trash of shop {shop}" if held.get("status") == TRASH else ""


def _hold_back(way: ReplayRoute, gone: str) -> ReplayRoute:
    if not gone:
        return way
    give_up = f"davtari dead-letters discard {way.letter.id} --reason 'order deleted'"
    return replace(way, stays=f"{gone}. Nothing was sent. If it needs no document: {give_up}")


def may_write(letter: DeadLetter) -> bool:
    """Whether a replay may write something about the order. A record is only read again, and so is an order."""
    return letter.letter.record is None and letter.letter.service != "store-feed"


RECORD_TIMEOUT = 2.0
"""Seconds in which a record that was read again would have become a dead letter again: one transaction does both."""
OnResult = Callable[[ReplayResult], None]


async def replay_routes(
    desk: CommandChannel, ways: Sequence[ReplayRoute], rate: float, patience: float, tell: OnResult
) -> list[ReplayResult]:
    """Replay what does not stay, at most `rate` letters a second; `patience` seconds for each to come to something.

    `tell` hears of each result as soon as it is known.
    """
    begun: list[asyncio.Task[ReplayResult]] = []
    results = [ReplayResult(way.letter, _unsent_status(way), way.stays) for way in ways if way.stays]
    for known in results:
        tell(known)
    async with asyncio.TaskGroup() as waiting:
        for way in (way for way in ways if not way.stays):
            correlation = await desk.send(
                ReplayRequested(dead_letter=way.letter.letter.dead_letter, **requests.command_header())
            )
            begun.append(waiting.create_task(_report_result(desk, way.letter, correlation, patience, tell)))
            await asyncio.sleep(1 / rate)  # the pace that was asked for
    return [*results, *[task.result() for task in begun]]


def _unsent_status(way: ReplayRoute) -> ResultKind:
    return "stays" if way.letter.open else "nothing to do"


async def _report_result(
    desk: CommandChannel, letter: DeadLetter, correlation: str, patience: float, tell: OnResult
) -> ReplayResult:
    found = await await_result(desk, letter, correlation, patience)
    tell(found)
    return found


async def await_result(
    desk: CommandChannel, letter: DeadLetter, correlation: str, patience: float, tried: str = ""
) -> ReplayResult:
    """What comes of a command within so many seconds; a record is handled at once, or it is not."""
    wait = min(patience, RECORD_TIMEOUT) if letter.letter.record else patience
    id_ = letter.letter.dead_letter
    found = await desk.until(lambda: find_result(letter, desk.story(correlation, id_), tried), wait)
    return found or timed_out_result(letter, desk.story(correlation, id_), wait)


# Giving dead letters up, one or many, each with who did so and why.


async def discard_all(
    desk: CommandChannel, letters: Sequence[DeadLetter], why: str, patience: float
) -> list[ReplayResult]:
    """Give letters up; `patience` seconds for the answers of their services."""
    results = [ReplayResult(one, "nothing to do", f"{one.settled.how} already") for one in letters if one.settled]
    async with asyncio.TaskGroup() as answering:
        asked = [answering.create_task(_discard_one(desk, one, why, patience)) for one in letters if one.open]
    return [*results, *(task.result() for task in asked)]


async def _discard_one(desk: CommandChannel, letter: DeadLetter, why: str, patience: float) -> ReplayResult:
    id_ = letter.letter.dead_letter
    correlation = await desk.send(DiscardRequested(dead_letter=id_, why=why, **requests.command_header()))
    answer = await desk.until(lambda: _find_answer(desk, correlation, id_), patience)
    if answer is None:
        return timed_out_result(letter, [], patience)
    already = "was already" in answer.detail
    if answer.outcome == "refused":
        return ReplayResult(letter, "nothing to do" if already else "refused", answer.detail)
    return ReplayResult(letter, "done", f"given up: {why}")


def _find_answer(desk: CommandChannel, correlation: str, dead_letter: str) -> CommandSettled | None:
    story = desk.story(correlation, dead_letter)
    return next((event for event in story if isinstance(event, CommandSettled)), None)
