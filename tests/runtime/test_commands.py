"""Replay and discard as a person asks for them: through the operations topic, carried out by the one that failed."""

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
from services.engine.client.commands import open_answers, send_command, wait_for_settlement
from services.engine.outbox.handlers import Handlers
from services.engine.outbox.lane import Row
from services.engine.outbox.outcome import Outcome, Refused
from services.engine.state.records import State
from tests.kafka.topics import AVAILABILITY, DEAD_LETTERS, OPERATIONS, STOCK, Topics
from tests.outbox.bench import Script
from tests.outbox.shelf import envelope, handlers, remember_shelf, remember_stock, stock
from tests.outbox.upstream import Upstream, done
from tests.runtime.house import running, said, until_said

pytestmark = [pytest.mark.kafka, pytest.mark.claim("S1.18")]
NOW = datetime(2026, 3, 2, tzinfo=UTC)


async def ask(topics: Topics, command: ReplayRequested | DiscardRequested) -> CommandSettled:
    """Send a command and wait for the answer."""
    async with open_answers(topics.settings, OPERATIONS) as reader:
        await send_command(topics.settings, command, NOW)
        return await wait_for_settlement(reader, command.command_id)


def replay(letter: str, command_id: str) -> ReplayRequested:
    """The command to try a dead letter again."""
    return ReplayRequested(command_id=command_id, asked_by="nino", asked_at=NOW, dead_letter=letter)


def discard(letter: str, command_id: str) -> DiscardRequested:
    """The command to give a dead letter up."""
    return DiscardRequested(command_id=command_id, asked_by="nino", asked_at=NOW, dead_letter=letter, why="by hand")


async def test_a_refused_delivery_is_replayed_by_the_service_that_failed_and_by_no_other(
    topics: Topics, tmp_path: Path
) -> None:
    refusing = True

    def answer(row: Row) -> Outcome:
        return Refused(Reason.SHOP_REFUSED, "no") if refusing else done(row)

    upstream, idle = Upstream(answer), Upstream()
    bystander = Handlers(handlers().topics, {}, Script())
    await topics.send(envelope(stock("a")))
    async with running(topics, tmp_path, upstream), running(topics, tmp_path, idle, bystander, name="bystander"):
        (letter,) = await until_said(topics, DeadLettered, DEAD_LETTERS, 1)
        refusing = False
        first = await ask(topics, replay(letter.dead_letter, "r1"))
        await until_said(topics, AvailabilityChanged, AVAILABILITY, 1)
        second = await ask(topics, replay(letter.dead_letter, "r2"))
    assert [(each.service, each.outcome) for each in (first, second)] == [
        ("shelf-filler", "done"),
        ("shelf-filler", "refused"),
    ]
    assert (upstream.seen, idle.seen) == ([("a", 1), ("a", 1)], [])
    assert {each.service for each in await said(topics, CommandSettled, OPERATIONS)} == {"shelf-filler"}


async def test_a_discarded_delivery_is_closed_and_stays_quiet(topics: Topics, tmp_path: Path) -> None:
    upstream = Upstream(lambda _: Refused(Reason.SHOP_REFUSED, "no"))
    await topics.send(envelope(stock("a")))
    async with running(topics, tmp_path, upstream):
        (letter,) = await until_said(topics, DeadLettered, DEAD_LETTERS, 1)
        assert (await ask(topics, discard(letter.dead_letter, "d1"))).outcome == "done"
        assert (await ask(topics, replay(letter.dead_letter, "r1"))).outcome == "refused"
    (closed,) = await said(topics, DeadLetterSettled, DEAD_LETTERS)
    assert (closed.how, closed.by, closed.why) == ("discarded", "nino", "by hand")
    assert upstream.seen == [("a", 1)]


async def test_a_record_is_handled_when_its_cause_is_mended_and_replayed(topics: Topics, tmp_path: Path) -> None:
    broken = True

    def remember(told: Envelope[StockChanged], state: State) -> None:
        if broken:
            raise KeyError("warehouse")
        remember_stock(told, state)

    rules = Handlers(
        handlers().topics, {StockChanged: remember, AvailabilityChanged: remember_shelf}, handlers().decide
    )
    upstream = Upstream()
    await topics.send(envelope(stock("a")))
    async with running(topics, tmp_path, upstream, rules):
        (letter,) = await until_said(topics, DeadLettered, DEAD_LETTERS, 1)
        broken = False
        assert (await ask(topics, replay(letter.dead_letter, "r1"))).outcome == "done"
        await until_said(topics, AvailabilityChanged, AVAILABILITY, 1)
        assert (await ask(topics, replay(letter.dead_letter, "r2"))).outcome == "refused"
    assert upstream.seen == [("a", 1)]


async def test_an_unreadable_record_that_is_replayed_as_it_is_opens_its_letter_again(
    topics: Topics, tmp_path: Path
) -> None:
    await topics.put(STOCK, b"k", b"not ours")
    async with running(topics, tmp_path, Upstream()):
        (letter,) = await until_said(topics, DeadLettered, DEAD_LETTERS, 1)
        assert (await ask(topics, replay(letter.dead_letter, "r1"))).outcome == "done"
        again = await until_said(topics, DeadLettered, DEAD_LETTERS, 2)
        assert (await ask(topics, discard(letter.dead_letter, "d1"))).outcome == "done"
    assert {each.dead_letter for each in again} == {letter.dead_letter}
