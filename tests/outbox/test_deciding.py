"""Decisions against what already waits: rows added, replaced, taken back, blocked and released, decided again."""

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
from tests.outbox.bench import DEADLINE, Bench, Script, open_bench, wanted
from tests.outbox.shelf import NOW, put_on_shelf, record, shelved, stock

WAITS = Blocked(on="sale:1", reason=Reason.REFUND_SALE_MISSING, detail="the Sale is not recorded yet")


def blocked(item: str, quantity: int = 1) -> Delivery:
    """A delivery that waits for sale:1."""
    return replace(put_on_shelf(item, quantity), blocked=WAITS)


async def test_a_wanted_delivery_becomes_a_row(bench: Bench) -> None:
    await bench.take(record(stock("a", 3)))
    (row,) = await bench.due()
    assert (row.id, row.key, row.subject, row.payload) == ("shelf:a", "a", "a", {"item": "a", "quantity": 3})
    assert (row.version, row.attempts) == (1, ())


async def test_the_same_decision_again_changes_nothing(scripted: Bench, script: Script) -> None:
    await wanted(scripted, script, put_on_shelf("a"))
    before = (await scripted.rows())["shelf:a"]
    scripted.clock.advance(60)
    await wanted(scripted, script, put_on_shelf("a"))
    assert (await scripted.rows())["shelf:a"] == before


async def test_a_newer_payload_replaces_the_waiting_row_in_its_place(scripted: Bench, script: Script) -> None:
    await wanted(scripted, script, put_on_shelf("a", 1), put_on_shelf("b", 1))
    await wanted(scripted, script, put_on_shelf("a", 2), put_on_shelf("b", 1))
    first, second = await scripted.due()
    assert (first.id, first.payload["quantity"], first.version) == ("shelf:a", 2, 2)
    assert (second.id, second.version) == ("shelf:b", 1)


async def test_what_is_not_wanted_any_more_is_taken_back(scripted: Bench, script: Script) -> None:
    await wanted(scripted, script, put_on_shelf("a"), put_on_shelf("b"))
    await wanted(scripted, script, put_on_shelf("b"))
    assert list(await scripted.rows()) == ["shelf:b"]


async def test_the_rows_of_another_subject_are_left_alone(scripted: Bench, script: Script) -> None:
    script.wanted = {"a": Decision((put_on_shelf("a"),)), "b": Decision((put_on_shelf("b"),))}
    await scripted.touch("a", "b")
    script.wanted = {}
    await scripted.touch("a")
    assert list(await scripted.rows()) == ["shelf:b"]


async def test_a_row_on_its_way_is_not_taken_back(scripted: Bench, script: Script) -> None:
    await wanted(scripted, script, put_on_shelf("a"))
    scripted.in_flight.add("shelf:a")
    await wanted(scripted, script)
    assert list(await scripted.rows()) == ["shelf:a"]


async def test_a_row_that_became_unwanted_on_its_way_does_not_leave_again_after_an_outage(
    scripted: Bench, script: Script
) -> None:
    await wanted(scripted, script, put_on_shelf("a"))
    (row,) = await scripted.due()
    scripted.in_flight.add(row.id)
    await wanted(scripted, script)
    await scripted.settle(row, Retry("503"))
    assert await scripted.rows() == {}


async def test_a_row_with_an_unknown_outcome_is_not_taken_back_before_it_is_known(
    scripted: Bench, script: Script
) -> None:
    await wanted(scripted, script, put_on_shelf("a"))
    await scripted.settle((await scripted.due())[0], Unknown("timed out"))
    await wanted(scripted, script)
    scripted.clock.advance(60)
    (row,) = await scripted.due()
    await scripted.settle(row, Done())
    assert await scripted.rows() == {}


async def test_an_unwanted_row_on_its_way_is_taken_back_after_a_crash(tmp_path: Path, script: Script) -> None:
    async with open_bench(tmp_path, Handlers((), {}, script)) as bench:
        await wanted(bench, script, put_on_shelf("a"))
        bench.in_flight.add("shelf:a")
        await wanted(bench, script)
    async with open_bench(tmp_path, Handlers((), {}, script), caught_up=False) as again:
        again.clock.advance(120)
        await again.engine.finish_catch_up()
        assert await again.due() == []


async def test_the_next_delivery_of_a_key_waits_for_the_first(scripted: Bench, script: Script) -> None:
    second = replace(put_on_shelf("b"), key="a")
    await wanted(scripted, script, put_on_shelf("a"), second, put_on_shelf("c"))
    assert [row.id for row in await scripted.due()] == ["shelf:a", "shelf:c"]
    script.wanted["a"] = Decision((second, put_on_shelf("c")))
    await scripted.settle((await scripted.due())[0], Done())
    assert [row.id for row in await scripted.due()] == ["shelf:b", "shelf:c"]


async def test_a_delivery_with_a_time_leaves_not_before_it(scripted: Bench, script: Script) -> None:
    await wanted(scripted, script, replace(put_on_shelf("a"), not_before=NOW + timedelta(seconds=30)))
    scripted.clock.advance(29)
    assert await scripted.due() == []
    scripted.clock.advance(2)
    assert [row.id for row in await scripted.due()] == ["shelf:a"]


async def test_a_blocked_row_waits_and_so_do_later_rows_of_its_key(scripted: Bench, script: Script) -> None:
    await wanted(scripted, script, blocked("a"), replace(put_on_shelf("b"), key="a"), put_on_shelf("c"))
    assert [row.id for row in await scripted.due()] == ["shelf:c"]


async def test_what_appears_releases_whatever_is_blocked_on_it(tmp_path: Path) -> None:
    appeared: set[str] = set()

    def remember(told: Envelope[AvailabilityChanged], state: State) -> None:
        appeared.add(told.data.item)
        state.release(f"sale:{told.data.item}")

    def decide(subject: str, _: State) -> Decision:
        delivery = put_on_shelf(subject)
        return Decision((delivery if "1" in appeared else replace(delivery, blocked=WAITS),))

    async with open_bench(tmp_path, Handlers((), {AvailabilityChanged: remember}, decide)) as bench:
        await bench.touch("a", "b")
        await bench.take(record(shelved("2")))
        assert await bench.due() == []
        await bench.take(record(shelved("1")))
        assert [row.id for row in await bench.due()] == ["shelf:a", "shelf:b"]


async def test_what_is_released_while_catching_up_is_decided_afterwards(tmp_path: Path, script: Script) -> None:
    rules = Handlers((), {AvailabilityChanged: lambda _, state: state.release("sale:1")}, script)
    async with open_bench(tmp_path, rules) as bench:
        await wanted(bench, script, blocked("a"))
    async with open_bench(tmp_path, rules, caught_up=False) as again:
        await again.take(record(shelved("x")))
        script.wanted["a"] = Decision((put_on_shelf("a"),))
        await again.engine.finish_catch_up()
        assert [row.id for row in await again.due()] == ["shelf:a"]


async def test_past_its_deadline_a_blocked_row_becomes_a_dead_letter(scripted: Bench, script: Script) -> None:
    await wanted(scripted, script, blocked("a"))
    scripted.clock.advance(DEADLINE - 1)
    await scripted.engine.dead_letter_overdue()
    assert await scripted.letters() == []
    scripted.clock.advance(2)
    await scripted.engine.dead_letter_overdue()
    (letter,) = await scripted.letters()
    assert (letter.reason, letter.detail) == (WAITS.reason, WAITS.detail)
    assert await scripted.rows() == {}


async def test_a_delivery_that_was_buried_blocked_leaves_when_it_is_blocked_no_more(
    scripted: Bench, script: Script
) -> None:
    await wanted(scripted, script, blocked("a"))
    scripted.clock.advance(DEADLINE + 1)
    await scripted.engine.dead_letter_overdue()
    await wanted(scripted, script, blocked("a"))
    assert await scripted.rows() == {}
    await wanted(scripted, script, put_on_shelf("a"))
    assert [row.id for row in await scripted.due()] == ["shelf:a"]
    assert [closed.how for closed in await scripted.closed()] == ["overtaken"]


async def test_a_delivery_that_its_effect_found_blocked_for_too_long_stays_a_dead_letter(
    scripted: Bench, script: Script
) -> None:
    await wanted(scripted, script, put_on_shelf("a"))
    await scripted.settle((await scripted.due())[0], WAITS)
    scripted.clock.advance(DEADLINE + 1)
    await scripted.engine.dead_letter_overdue()
    await scripted.touch("a")
    assert [(letter.reason, letter.about) for letter in await scripted.letters()] == [(WAITS.reason, "shelf:a")]
    assert (await scripted.closed(), await scripted.rows()) == ([], {})


async def test_a_changed_payload_does_not_lengthen_the_deadline(scripted: Bench, script: Script) -> None:
    await wanted(scripted, script, blocked("a", 1))
    scripted.clock.advance(DEADLINE - 1)
    await wanted(scripted, script, blocked("a", 2))
    scripted.clock.advance(2)
    await scripted.engine.dead_letter_overdue()
    assert len(await scripted.letters()) == 1


async def test_a_subject_is_decided_again_at_its_time_and_once(scripted: Bench, script: Script) -> None:
    await wanted(scripted, script, again_at=NOW + timedelta(seconds=10))
    script.wanted["a"] = Decision((put_on_shelf("a"),))
    scripted.clock.advance(9)
    assert await scripted.engine.decide_due() == 0
    scripted.clock.advance(2)
    assert await scripted.engine.decide_due() == 1
    assert list(await scripted.rows()) == ["shelf:a"]
    assert await scripted.engine.decide_due() == 0


async def test_decisions_that_follow_from_each_other_are_taken_in_one_transaction(tmp_path: Path) -> None:
    def decide(subject: str, _: State) -> Decision:
        number = int(subject)
        return Decision(announce=(stock(str(number + 1)),)) if number < 5 else Decision((put_on_shelf(subject),))

    def remember(told: Envelope[StockChanged], state: State) -> None:
        state.touch(told.data.item)

    async with open_bench(tmp_path, Handlers((), {StockChanged: remember}, decide)) as bench:
        await bench.touch("0")
        assert list(await bench.rows()) == ["shelf:5"]
        assert len(await bench.published()) == 5


async def test_decisions_that_never_settle_are_an_error_and_change_nothing(tmp_path: Path) -> None:
    def remember(told: Envelope[StockChanged], state: State) -> None:
        state.touch(told.data.item)

    rules = Handlers((), {StockChanged: remember}, lambda subject, _: Decision(announce=(stock(subject),)))
    async with open_bench(tmp_path, rules) as bench:
        with pytest.raises(RuntimeError, match=r"shelf-filler: decisions do not settle: \['a'\]"):
            await bench.touch("a")
        assert await bench.published() == []


async def test_a_decision_that_wants_to_be_taken_again_at_once_does_not_spin(scripted: Bench, script: Script) -> None:
    await wanted(scripted, script, again_at=NOW - timedelta(hours=1))
    await scripted.engine.finish_catch_up()
    assert await scripted.engine.decide_due() == 0
    scripted.clock.advance(1)
    assert await scripted.engine.decide_due() == 1
