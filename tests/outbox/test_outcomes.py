"""The changes by each outcome, in one transaction for many rows."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from contracts.catalog import AvailabilityChanged
from contracts.envelope import Envelope
from contracts.ledger import Attempt
from contracts.reasons import Reason
from services.engine.outbox.decision import Decision
from services.engine.outbox.handlers import Handlers
from services.engine.outbox.outcome import Blocked, Done, Refused, Retry, Unknown
from services.engine.state.records import State
from services.engine.state.session import Session
from tests.outbox.bench import DEADLINE, Bench, Script, open_bench, record_statements
from tests.outbox.sample_service import AVAILABILITY, availability, availability_delivery, envelope, record, stock

WAITS = Blocked(on="client:7", reason=Reason.SALE_CLIENT_WAITS, detail="the client is not there yet")


async def test_done_removes_the_row_and_announces_its_events_with_their_cause(bench: Bench) -> None:
    fact = envelope(stock("a"))
    await bench.take(record(stock("a")))
    await bench.settle((await bench.due())[0], Done((availability("a"),)))
    (event,) = await bench.published()
    assert (event.data, event.sequence) == (availability("a"), 1)
    assert (event.causationid, event.correlationid) == (fact.id, fact.correlationid)
    assert await bench.rows() == {}


async def test_done_is_applied_before_the_subject_is_decided_again(scripted: Bench, script: Script) -> None:
    script.wanted["a"] = Decision((availability_delivery("a"),))
    await scripted.touch("a")
    script.wanted.clear()
    await scripted.settle((await scripted.due())[0], Done((availability("a"),)))
    assert script.decided == ["a", "a"]


async def test_done_stores_values_that_no_event_carries(scripted: Bench, script: Script) -> None:
    script.wanted["a"] = Decision((availability_delivery("a"),))
    await scripted.touch("a")
    script.wanted.clear()
    await scripted.settle((await scripted.due())[0], Done(keep=((AVAILABILITY, "a", availability("a", 9)),)))
    async with scripted.engine.work() as work:
        assert (await work.get_many(AVAILABILITY, ["a"]))["a"].quantity == 9
    assert await scripted.published() == []


async def test_done_of_an_older_version_leaves_the_newer_row(bench: Bench) -> None:
    await bench.take(record(stock("a", 1), version=1))
    (older,) = await bench.due()
    bench.in_flight.add(older.id)
    await bench.take(record(stock("a", 2), version=2))
    await bench.settle(older, Done((availability("a", 1),)))
    bench.in_flight.clear()
    (newer,) = await bench.due()
    assert (newer.payload["quantity"], newer.version) == (2, 2)


async def test_retry_writes_nothing_to_the_database(bench: Bench) -> None:
    await bench.take(record(stock("a")))
    (row,) = await bench.due()
    with record_statements() as statements:
        await bench.settle(row, Retry("503"))
    assert [each for each in statements if not each.startswith(("SELECT", "BEGIN"))] == []
    assert await bench.due() == [row]


async def test_unknown_outcomes_are_retried_at_growing_intervals_and_recorded(bench: Bench) -> None:
    await bench.take(record(stock("a")))
    waits = []
    for attempt in range(4):
        (row,) = await bench.due()
        await bench.settle(row, Unknown(f"timed out {attempt}"))
        waits.append((await bench.rows())["availability:a"].due - bench.clock.now.timestamp())
        bench.clock.advance(waits[-1])
    (row,) = await bench.due()
    assert [(each.outcome, each.detail) for each in row.attempts] == [("unknown", f"timed out {n}") for n in range(4)]
    assert waits == [2.0, 4.0, 8.0, 16.0]


async def test_the_recorded_attempts_of_an_endless_series_are_limited(bench: Bench) -> None:
    await bench.take(record(stock("a")))
    (row,) = await bench.due()
    attempt = Attempt(at=bench.clock.now, outcome="unknown", detail="timed out")
    await bench.settle(replace(row, attempts=(attempt,) * 20), Unknown("again"))
    bench.clock.advance(600)
    (row,) = await bench.due()
    assert (len(row.attempts), row.attempts[-1].detail) == (20, "again")


async def test_a_dead_letter_lists_the_attempts(bench: Bench) -> None:
    await bench.take(record(stock("a")))
    await bench.settle((await bench.due())[0], Unknown("timed out"))
    bench.clock.advance(10)
    await bench.settle((await bench.due())[0], Refused(Reason.SHOP_REFUSED, "no such product"))
    (dead_letter,) = await bench.dead_letters()
    assert dead_letter.delivery is not None
    assert [each.outcome for each in dead_letter.delivery.attempts] == ["unknown"]
    assert (dead_letter.reason, dead_letter.detail, dead_letter.original_key) == (
        "shop.refused",
        "no such product",
        "a",
    )
    assert await bench.rows() == {}


async def test_a_blocked_delivery_is_decided_again_and_keeps_its_deadline(bench: Bench) -> None:
    await bench.take(record(stock("a")))
    for _ in range(3):
        await bench.settle((await bench.due())[0], WAITS)
        assert await bench.due() == []
        bench.clock.advance(61)
        await bench.engine.decide_due()
    bench.clock.advance(DEADLINE - 3 * 61 - 1)
    await bench.settle((await bench.due())[0], WAITS)
    bench.clock.advance(2)
    await bench.engine.dead_letter_overdue()
    (dead_letter,) = await bench.dead_letters()
    assert (dead_letter.reason, dead_letter.detail) == (WAITS.reason, WAITS.detail)


async def test_a_delivery_blocked_by_its_outcome_is_released_when_the_cause_is_resolved(
    tmp_path: Path, script: Script
) -> None:
    rules = Handlers((), {AvailabilityChanged: lambda _, state: state.release("client:7")}, script)
    async with open_bench(tmp_path, rules) as bench:
        script.wanted["a"] = Decision((availability_delivery("a"),))
        await bench.touch("a")
        await bench.settle((await bench.due())[0], WAITS)
        await bench.take(record(availability("x")))
        assert [row.id for row in await bench.due()] == ["availability:a"]


async def test_many_outcomes_are_written_in_few_transactions(bench: Bench) -> None:
    await bench.take(*[record(stock(f"i{n}"), offset=n) for n in range(200)])
    rows = await bench.due(200)
    with record_statements() as statements:
        await asyncio.gather(*[bench.settle(row, Done((availability(row.key),))) for row in rows])
    assert sum(each.startswith("BEGIN") for each in statements) <= 3
    assert (await bench.rows(), len(await bench.events_of(AvailabilityChanged))) == ({}, 200)


@pytest.mark.claim("K13")
async def test_an_outcome_that_cannot_be_written_does_not_delay_the_others(tmp_path: Path, script: Script) -> None:
    def remember(event: Envelope[AvailabilityChanged], _: State) -> None:
        if event.data.item == "poison":
            raise ValueError("no such product")

    items = ["i1", "poison", "i2"]
    script.wanted = {item: Decision((availability_delivery(item),)) for item in items}
    async with open_bench(tmp_path, Handlers((), {AvailabilityChanged: remember}, script)) as bench:
        await bench.touch(*items)
        script.wanted = {"poison": script.wanted["poison"]}
        await bench.engine.settle([(row, Done((availability(row.key),))) for row in await bench.due()])
        (left,) = (await bench.rows()).values()
        assert left.id == "availability:poison"
        assert "no such product" in left.attempts
        assert await bench.due() == []
        assert [event.item for event in await bench.events_of(AvailabilityChanged)] == ["i1", "i2"]


async def test_every_caller_gets_the_database_error(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    await bench.take(record(stock("a")), record(stock("b")))
    rows = await bench.due()

    def failing(self: Session, _: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("services.engine.outbox.subjects.save_versions", failing)
    errors = await asyncio.gather(*[bench.settle(row, Done()) for row in rows], return_exceptions=True)
    assert [str(error) for error in errors] == ["disk full", "disk full"]
    assert len(await bench.rows()) == 2
