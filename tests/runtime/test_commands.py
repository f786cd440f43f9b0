"""Replay and discard commands of a person: sent through the operations topic, executed by the service that failed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from contracts.balance import StockChanged
from contracts.catalog import AvailabilityChanged
from contracts.envelope import Envelope
from contracts.operations import (
    CommandSettled,
    DeadLettered,
    DeadLetterSettled,
    DiscardRequested,
    ReplayRequested,
)
from contracts.reasons import Reason
from services.engine.client.commands import issue, open_answers, wait_for_settlement
from services.engine.outbox.handlers import Handlers
from services.engine.outbox.lane import Row
from services.engine.outbox.outcome import Outcome, Refused
from services.engine.state.records import State
from tests.kafka.topics import AVAILABILITY, DEAD_LETTERS, OPERATIONS, STOCK, Topics
from tests.outbox.bench import Script
from tests.outbox.fake_upstream import Upstream, done
from tests.outbox.sample_service import envelope, handlers, remember_availability, remember_stock, stock
from tests.runtime.running_service import events_of, run_service, wait_for_events
from tests.support.signing import with_keys

pytestmark = [pytest.mark.kafka, pytest.mark.claim("S1.18")]
NOW = datetime(2026, 3, 2, tzinfo=UTC)


async def send_and_wait(topics: Topics, command: ReplayRequested | DiscardRequested) -> CommandSettled:
    """Send a command and wait for its outcome."""
    async with open_answers(topics.settings, OPERATIONS) as reader:
        await issue(with_keys(topics.settings), command, asked_by="nino")
        return await wait_for_settlement(reader, command.command_id)


def replay(dead_letter: str, command_id: str) -> ReplayRequested:
    """The command to replay a dead letter."""
    return ReplayRequested(command_id=command_id, asked_by="nino", asked_at=NOW, dead_letter=dead_letter)


def discard(dead_letter: str, command_id: str) -> DiscardRequested:
    """The command to discard a dead letter."""
    return DiscardRequested(
        command_id=command_id, asked_by="nino", asked_at=NOW, dead_letter=dead_letter, why="by hand"
    )


async def test_a_refused_delivery_is_replayed_by_the_service_that_failed_and_by_no_other(
    topics: Topics, tmp_path: Path
) -> None:
    refusing = True

    def answer(row: Row) -> Outcome:
        return Refused(Reason.SHOP_REFUSED, "no") if refusing else done(row)

    upstream, idle = Upstream(answer), Upstream()
    bystander = Handlers(handlers().topics, {}, Script())
    await topics.send(envelope(stock("a")))
    async with (
        run_service(topics, tmp_path, upstream),
        run_service(topics, tmp_path, idle, bystander, name="bystander"),
    ):
        (dead_letter,) = await wait_for_events(topics, DeadLettered, DEAD_LETTERS, 1)
        refusing = False
        first = await send_and_wait(topics, replay(dead_letter.dead_letter, "r1"))
        await wait_for_events(topics, AvailabilityChanged, AVAILABILITY, 1)
        second = await send_and_wait(topics, replay(dead_letter.dead_letter, "r2"))
    assert [(each.service, each.outcome) for each in (first, second)] == [
        ("sample-service", "done"),
        ("sample-service", "refused"),
    ]
    assert (upstream.seen, idle.seen) == ([("a", 1), ("a", 1)], [])
    assert {each.service for each in await events_of(topics, CommandSettled, OPERATIONS)} == {"sample-service"}


async def test_a_discarded_delivery_is_closed_and_not_sent(topics: Topics, tmp_path: Path) -> None:
    upstream = Upstream(lambda _: Refused(Reason.SHOP_REFUSED, "no"))
    await topics.send(envelope(stock("a")))
    async with run_service(topics, tmp_path, upstream):
        (dead_letter,) = await wait_for_events(topics, DeadLettered, DEAD_LETTERS, 1)
        assert (await send_and_wait(topics, discard(dead_letter.dead_letter, "d1"))).outcome == "done"
        assert (await send_and_wait(topics, replay(dead_letter.dead_letter, "r1"))).outcome == "refused"
    (closed,) = await events_of(topics, DeadLetterSettled, DEAD_LETTERS)
    assert (closed.how, closed.by, closed.why) == ("discarded", "nino", "by hand")
    assert upstream.seen == [("a", 1)]


async def test_a_replayed_record_is_handled_once_its_cause_is_fixed(topics: Topics, tmp_path: Path) -> None:
    broken = True

    def remember(event: Envelope[StockChanged], state: State) -> None:
        if broken:
            raise KeyError("warehouse")
        remember_stock(event, state)

    rules = Handlers(
        handlers().topics, {StockChanged: remember, AvailabilityChanged: remember_availability}, handlers().decide
    )
    upstream = Upstream()
    await topics.send(envelope(stock("a")))
    async with run_service(topics, tmp_path, upstream, rules):
        (dead_letter,) = await wait_for_events(topics, DeadLettered, DEAD_LETTERS, 1)
        broken = False
        assert (await send_and_wait(topics, replay(dead_letter.dead_letter, "r1"))).outcome == "done"
        await wait_for_events(topics, AvailabilityChanged, AVAILABILITY, 1)
        assert (await send_and_wait(topics, replay(dead_letter.dead_letter, "r2"))).outcome == "refused"
    assert upstream.seen == [("a", 1)]


async def test_replaying_an_unreadable_record_reopens_its_dead_letter(topics: Topics, tmp_path: Path) -> None:
    await topics.put(STOCK, b"k", b"foreign")
    async with run_service(topics, tmp_path, Upstream()):
        (dead_letter,) = await wait_for_events(topics, DeadLettered, DEAD_LETTERS, 1)
        assert (await send_and_wait(topics, replay(dead_letter.dead_letter, "r1"))).outcome == "done"
        again = await wait_for_events(topics, DeadLettered, DEAD_LETTERS, 2)
        assert (await send_and_wait(topics, discard(dead_letter.dead_letter, "d1"))).outcome == "done"
    assert {each.dead_letter for each in again} == {dead_letter.dead_letter}
