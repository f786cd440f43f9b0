"""Decisions change the waiting rows: they are added, replaced, withdrawn, blocked, released and decided again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from contracts.balance import StockChanged
from contracts.catalog import AvailabilityChanged
from contracts.envelope import Envelope
from contracts.reasons import Reason
from services.engine.outbox.decision import Decision, Delivery
from services.engine.outbox.handlers import Handlers
from services.engine.outbox.outcome import Blocked, Done, Retry, Unknown
from services.engine.state.records import State
from tests.outbox.bench import DEADLINE, Bench, Script, open_bench, want
from tests.outbox.sample_service import NOW, availability, availability_delivery, record, stock

WAITS = Blocked(on="sale:1", reason=Reason.REFUND_SALE_MISSING, detail="the Sale is not recorded yet")


def blocked(item: str, quantity: int = 1) -> Delivery:
    """A delivery that waits for sale:1."""
    return replace(availability_delivery(item, quantity), blocked=WAITS)


async def test_a_wanted_delivery_becomes_a_row(bench: Bench) -> None:
    await bench.take(record(stock("a", 3)))
    (row,) = await bench.due()
    assert (row.id, row.key, row.subject, row.payload) == ("availability:a", "a", "a", {"item": "a", "quantity": 3})
    assert (row.version, row.attempts) == (1, ())


async def test_the_same_decision_again_changes_nothing(scripted: Bench, script: Script) -> None:
    await want(scripted, script, availability_delivery("a"))
    before = (await scripted.rows())["availability:a"]
    scripted.clock.advance(60)
    await want(scripted, script, availability_delivery("a"))
    assert (await scripted.rows())["availability:a"] == before


async def test_a_newer_payload_replaces_the_waiting_row_in_its_place(scripted: Bench, script: Script) -> None:
    await want(scripted, script, availability_delivery("a", 1), availability_delivery("b", 1))
    await want(scripted, script, availability_delivery("a", 2), availability_delivery("b", 1))
    first, second = await scripted.due()
    assert (first.id, first.payload["quantity"], first.version) == ("availability:a", 2, 2)
    assert (second.id, second.version) == ("availability:b", 1)


async def test_a_delivery_that_is_no_longer_wanted_is_withdrawn(scripted: Bench, script: Script) -> None:
    await want(scripted, script, availability_delivery("a"), availability_delivery("b"))
    await want(scripted, script, availability_delivery("b"))
    assert list(await scripted.rows()) == ["availability:b"]


async def test_the_rows_of_another_subject_are_left_alone(scripted: Bench, script: Script) -> None:
    script.wanted = {"a": Decision((availability_delivery("a"),)), "b": Decision((availability_delivery("b"),))}
    await scripted.touch("a", "b")
    script.wanted = {}
    await scripted.touch("a")
    assert list(await scripted.rows()) == ["availability:b"]


async def test_a_row_in_flight_is_not_withdrawn(scripted: Bench, script: Script) -> None:
    await want(scripted, script, availability_delivery("a"))
    scripted.in_flight.add("availability:a")
    await want(scripted, script)
    assert list(await scripted.rows()) == ["availability:a"]


async def test_a_row_that_became_unwanted_in_flight_is_not_retried_after_an_outage(
    scripted: Bench, script: Script
) -> None:
    await want(scripted, script, availability_delivery("a"))
    (row,) = await scripted.due()
    scripted.in_flight.add(row.id)
    await want(scripted, script)
    await scripted.settle(row, Retry("503"))
    assert await scripted.rows() == {}


async def test_a_row_with_an_unknown_outcome_is_not_withdrawn(scripted: Bench, script: Script) -> None:
    await want(scripted, script, availability_delivery("a"))
    await scripted.settle((await scripted.due())[0], Unknown("timed out"))
    await want(scripted, script)
    scripted.clock.advance(60)
    (row,) = await scripted.due()
    await scripted.settle(row, Done())
    assert await scripted.rows() == {}


async def test_an_unwanted_row_in_flight_is_withdrawn_after_a_crash(tmp_path: Path, script: Script) -> None:
    async with open_bench(tmp_path, Handlers((), {}, script)) as bench:
        await want(bench, script, availability_delivery("a"))
        bench.in_flight.add("availability:a")
        await want(bench, script)
    async with open_bench(tmp_path, Handlers((), {}, script), caught_up=False) as again:
        again.clock.advance(120)
        await again.engine.finish_catch_up()
        assert await again.due() == []


async def test_the_next_delivery_of_a_key_waits_for_the_first(scripted: Bench, script: Script) -> None:
    second = replace(availability_delivery("b"), key="a")
    await want(scripted, script, availability_delivery("a"), second, availability_delivery("c"))
    assert [row.id for row in await scripted.due()] == ["availability:a", "availability:c"]
    script.wanted["a"] = Decision((second, availability_delivery("c")))
    await scripted.settle((await scripted.due())[0], Done())
    assert [row.id for row in await scripted.due()] == ["availability:b", "availability:c"]


async def test_a_delivery_with_a_time_is_not_sent_before_it(scripted: Bench, script: Script) -> None:
    await want(scripted, script, replace(availability_delivery("a"), not_before=NOW + timedelta(seconds=30)))
    scripted.clock.advance(29)
    assert await scripted.due() == []
    scripted.clock.advance(2)
    assert [row.id for row in await scripted.due()] == ["availability:a"]


async def test_a_blocked_row_waits_and_so_do_later_rows_of_its_key(scripted: Bench, script: Script) -> None:
    await want(scripted, script, blocked("a"), replace(availability_delivery("b"), key="a"), availability_delivery("c"))
    assert [row.id for row in await scripted.due()] == ["availability:c"]


async def test_an_event_releases_the_deliveries_that_are_blocked_on_it(tmp_path: Path) -> None:
    appeared: set[str] = set()

    def remember(event: Envelope[AvailabilityChanged], state: State) -> None:
        appeared.add(event.data.item)
        state.release(f"sale:{event.data.item}")

    def decide(subject: str, _: State) -> Decision:
        delivery = availability_delivery(subject)
        return Decision((delivery if "1" in appeared else replace(delivery, blocked=WAITS),))

    async with open_bench(tmp_path, Handlers((), {AvailabilityChanged: remember}, decide)) as bench:
        await bench.touch("a", "b")
        await bench.take(record(availability("2")))
        assert await bench.due() == []
        await bench.take(record(availability("1")))
        assert [row.id for row in await bench.due()] == ["availability:a", "availability:b"]


async def test_subjects_released_while_catching_up_are_decided_afterwards(tmp_path: Path, script: Script) -> None:
    rules = Handlers((), {AvailabilityChanged: lambda _, state: state.release("sale:1")}, script)
    async with open_bench(tmp_path, rules) as bench:
        await want(bench, script, blocked("a"))
    async with open_bench(tmp_path, rules, caught_up=False) as again:
        await again.take(record(availability("x")))
        script.wanted["a"] = Decision((availability_delivery("a"),))
        await again.engine.finish_catch_up()
        assert [row.id for row in await again.due()] == ["availability:a"]


async def test_a_blocked_row_becomes_a_dead_letter_after_its_deadline(scripted: Bench, script: Script) -> None:
    await want(scripted, script, blocked("a"))
    scripted.clock.advance(DEADLINE - 1)
    await scripted.engine.dead_letter_overdue()
    assert await scripted.dead_letters() == []
    scripted.clock.advance(2)
    await scripted.engine.dead_letter_overdue()
    (dead_letter,) = await scripted.dead_letters()
    assert (dead_letter.reason, dead_letter.detail) == (WAITS.reason, WAITS.detail)
    assert await scripted.rows() == {}


async def test_a_delivery_dead_lettered_while_blocked_is_sent_once_it_is_no_longer_blocked(
    scripted: Bench, script: Script
) -> None:
    await want(scripted, script, blocked("a"))
    scripted.clock.advance(DEADLINE + 1)
    await scripted.engine.dead_letter_overdue()
    await want(scripted, script, blocked("a"))
    assert await scripted.rows() == {}
    await want(scripted, script, availability_delivery("a"))
    assert [row.id for row in await scripted.due()] == ["availability:a"]
    assert [closed.how for closed in await scripted.closed_dead_letters()] == ["overtaken"]


async def test_a_delivery_blocked_by_its_outcome_for_too_long_stays_a_dead_letter(
    scripted: Bench, script: Script
) -> None:
    await want(scripted, script, availability_delivery("a"))
    await scripted.settle((await scripted.due())[0], WAITS)
    scripted.clock.advance(DEADLINE + 1)
    await scripted.engine.dead_letter_overdue()
    await scripted.touch("a")
    assert [(dead_letter.reason, dead_letter.about) for dead_letter in await scripted.dead_letters()] == [
        (WAITS.reason, "availability:a")
    ]
    assert (await scripted.closed_dead_letters(), await scripted.rows()) == ([], {})


async def test_a_changed_payload_does_not_extend_the_deadline(scripted: Bench, script: Script) -> None:
    await want(scripted, script, blocked("a", 1))
    scripted.clock.advance(DEADLINE - 1)
    await want(scripted, script, blocked("a", 2))
    scripted.clock.advance(2)
    await scripted.engine.dead_letter_overdue()
    assert len(await scripted.dead_letters()) == 1


async def test_a_subject_is_decided_again_once_at_its_time(scripted: Bench, script: Script) -> None:
    await want(scripted, script, again_at=NOW + timedelta(seconds=10))
    script.wanted["a"] = Decision((availability_delivery("a"),))
    scripted.clock.advance(9)
    assert await scripted.engine.decide_due() == 0
    scripted.clock.advance(2)
    assert await scripted.engine.decide_due() == 1
    assert list(await scripted.rows()) == ["availability:a"]
    assert await scripted.engine.decide_due() == 0


async def test_decisions_caused_by_other_decisions_are_taken_in_one_transaction(tmp_path: Path) -> None:
    def decide(subject: str, _: State) -> Decision:
        number = int(subject)
        return (
            Decision(announce=(stock(str(number + 1)),)) if number < 5 else Decision((availability_delivery(subject),))
        )

    def remember(event: Envelope[StockChanged], state: State) -> None:
        state.touch(event.data.item)

    async with open_bench(tmp_path, Handlers((), {StockChanged: remember}, decide)) as bench:
        await bench.touch("0")
        assert list(await bench.rows()) == ["availability:5"]
        assert len(await bench.published()) == 5


async def test_decisions_that_never_settle_are_an_error_and_change_nothing(tmp_path: Path) -> None:
    def remember(event: Envelope[StockChanged], state: State) -> None:
        state.touch(event.data.item)

    rules = Handlers((), {StockChanged: remember}, lambda subject, _: Decision(announce=(stock(subject),)))
    async with open_bench(tmp_path, rules) as bench:
        with pytest.raises(RuntimeError, match=r"sample-service: decisions do not settle: \['a'\]"):
            await bench.touch("a")
        assert await bench.published() == []


async def test_a_decision_due_in_the_past_is_not_repeated_in_a_loop(scripted: Bench, script: Script) -> None:
    await want(scripted, script, again_at=NOW - timedelta(hours=1))
    await scripted.engine.finish_catch_up()
    assert await scripted.engine.decide_due() == 0
    scripted.clock.advance(1)
    assert await scripted.engine.decide_due() == 1
