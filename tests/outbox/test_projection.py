"""Events change the projection: versions, own announcements, unchanged facts, rules that fail."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from contracts.balance import StockChanged
from contracts.catalog import AvailabilityChanged
from contracts.envelope import Envelope
from contracts.model import Event
from services.engine.outbox.decision import Decision
from services.engine.outbox.handlers import Handlers
from services.engine.state.records import State
from tests.outbox.bench import Bench, Script, open_bench, record_statements
from tests.outbox.sample_service import (
    AVAILABILITY,
    STOCK,
    availability,
    availability_delivery,
    envelope,
    handlers,
    record,
    record_of,
    stock,
)


async def quantity(bench: Bench, item: str) -> int | None:
    """The stock of an item in the projection."""
    async with bench.engine.work() as work:
        found = (await work.get_many(STOCK, [item])).get(item)
    return int(found.rows[0].quantity) if found else None


async def test_a_newer_version_replaces_an_older_one(bench: Bench) -> None:
    await bench.take(record(stock("a", 1), version=1))
    await bench.take(record(stock("a", 2), version=2))
    assert await quantity(bench, "a") == 2


async def test_repeated_and_reordered_events_change_nothing(bench: Bench) -> None:
    third, second = record(stock("a", 3), version=3), record(stock("a", 2), version=2)
    await bench.take(third, second, third)
    await bench.take(second)
    assert await quantity(bench, "a") == 3


async def test_a_batch_may_hold_several_versions_of_one_subject(bench: Bench) -> None:
    await bench.take(*[record(stock("a", n), version=n) for n in (1, 2, 3)])
    assert await quantity(bench, "a") == 3
    assert (await bench.rows())["availability:a"].payload == '{"item":"a","quantity":3}'


async def test_versions_are_remembered_after_a_restart(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        await bench.take(record(stock("a", 5), version=5))
    async with open_bench(tmp_path) as again:
        await again.take(record(stock("a", 4), version=4))
        assert await quantity(again, "a") == 5


async def test_own_events_get_the_next_version_and_change_the_projection_at_once(bench: Bench) -> None:
    await bench.take(record(availability("a", 7), version=7))
    async with bench.engine.work() as work:
        await work.announce([(availability("a", 8), None), (availability("b", 1), None), (availability("a", 9), None)])
        held = await work.get_many(AVAILABILITY, ["a", "b"])
    assert [(event.data.item, event.sequence) for event in await bench.published()] == [("a", 8), ("b", 1), ("a", 9)]  # type: ignore[attr-defined]
    assert {item: int(known.quantity) for item, known in held.items()} == {"a": 9, "b": 1}


async def test_an_own_event_that_comes_back_from_kafka_is_not_applied_twice(tmp_path: Path) -> None:
    seen: list[int] = []

    def remember(event: Envelope[AvailabilityChanged], _: State) -> None:
        seen.append(event.sequence)

    rules = Handlers(topics=(), remember={AvailabilityChanged: remember}, decide=Script())
    async with open_bench(tmp_path, rules) as bench:
        await bench.announce(availability("a"))
        (event,) = await bench.published()
        await bench.take(record_of(event))
    assert seen == [1]


async def test_an_event_carries_the_ids_of_its_cause(bench: Bench) -> None:
    fact = replace(envelope(stock("a")), traceparent="00-" + "1" * 32 + "-" + "2" * 16 + "-01")
    async with bench.engine.work() as work:
        await work.announce([(availability("a"), fact)])
    (event,) = await bench.published()
    assert (event.causationid, event.correlationid, event.traceparent) == (
        fact.id,
        fact.correlationid,
        fact.traceparent,
    )


async def test_only_changes_are_published(tmp_path: Path) -> None:
    def news(event: StockChanged, state: State) -> list[Event]:
        known = state.get(STOCK, event.item)
        return [] if known and known.rows == event.rows else [event]

    rules = Handlers((), handlers().remember, Script(), news={StockChanged: news})
    async with open_bench(tmp_path, rules) as bench:
        await bench.announce(stock("a", 1), stock("b", 1))
        await bench.announce(stock("a", 1), stock("b", 2))
        announced = [(event.data.key, event.sequence) for event in await bench.published()]
    assert announced == [("a", 1), ("b", 1), ("b", 2)]


async def test_an_event_type_without_a_rule_is_skipped_and_its_version_kept(tmp_path: Path) -> None:
    async with open_bench(tmp_path, Handlers((), {}, Script())) as bench:
        await bench.take(record(stock("a"), version=4))
        await bench.announce(stock("a", 2))
        assert [event.sequence for event in await bench.published()] == [5]


@pytest.mark.claim("K13")
async def test_a_failing_rule_opens_one_dead_letter_and_other_records_are_handled(tmp_path: Path) -> None:
    def remember(event: Envelope[StockChanged], state: State) -> None:
        state.put(STOCK, event.data.item, event.data)
        if event.data.item == "poison":
            raise ZeroDivisionError("per piece")

    rules = Handlers((), {StockChanged: remember}, Script())
    async with open_bench(tmp_path, rules) as bench:
        poison = record(stock("poison"), offset=0)
        await bench.take(poison, *[record(stock(f"i{n}"), offset=n) for n in range(1, 1000)])
        await bench.take(poison)
        (dead_letter,) = await bench.dead_letters()
        assert (dead_letter.reason, dead_letter.original_key) == ("record.rule-failed", "poison")
        assert "ZeroDivisionError: per piece" in dead_letter.detail
        async with bench.engine.work() as work:
            kept = await work.get_many(STOCK, ["poison", *[f"i{n}" for n in range(1, 1000)]])
    assert "poison" not in kept
    assert len(kept) == 999


async def test_a_batch_of_500_events_takes_few_sql_statements(bench: Bench) -> None:
    batch = [record(stock(f"i{n}"), offset=n) for n in range(500)]
    with record_statements() as first:
        await bench.take(*batch)
    with record_statements() as second:
        await bench.take(*[record(stock(f"i{n}", 2), version=2, offset=500 + n) for n in range(500)])
    assert len(await bench.rows()) == 500
    assert max(len(first), len(second)) <= 20, first


async def test_a_batch_of_500_events_of_one_key_takes_few_sql_statements(bench: Bench) -> None:
    with record_statements() as statements:
        await bench.take(*[record(stock("a", n), version=n, offset=n) for n in range(1, 501)])
    assert len(statements) <= 20, statements
    assert (await bench.rows())["availability:a"].payload == '{"item":"a","quantity":500}'


async def test_a_rule_that_reads_unloaded_state_runs_again_and_its_key_stays_in_order(tmp_path: Path) -> None:
    def remember(event: Envelope[StockChanged], state: State) -> None:
        before = state.get(STOCK, event.data.item)
        known = int(before.rows[0].quantity) if before else None
        seen[event.data.item, int(event.data.rows[0].quantity)] = known
        state.put(STOCK, event.data.item, event.data)

    seen: dict[tuple[str, int], int | None] = {}
    async with open_bench(tmp_path, Handlers((), {StockChanged: remember}, Script())) as bench:
        await bench.take(*[record(stock(item, n), version=n) for n in (1, 2, 3) for item in "ab"])
    assert seen == {(item, n): n - 1 or None for n in (1, 2, 3) for item in "ab"}


async def test_decisions_are_deferred_until_the_service_has_caught_up(tmp_path: Path) -> None:
    async with open_bench(tmp_path, caught_up=False) as bench:
        await bench.take(record(stock("a")), record(stock("b")))
        assert await bench.rows() == {}
        await bench.take(record(availability("a")))
        await bench.engine.finish_catch_up()
        assert list(await bench.rows()) == ["availability:b"]


async def test_deferred_decisions_survive_a_restart(tmp_path: Path) -> None:
    async with open_bench(tmp_path, caught_up=False) as bench:
        await bench.take(record(stock("a")))
    async with open_bench(tmp_path, caught_up=False) as again:
        await again.engine.finish_catch_up()
        assert list(await again.rows()) == ["availability:a"]


async def test_changed_settings_cause_every_subject_to_be_decided_again(tmp_path: Path, script: Script) -> None:
    async with open_bench(tmp_path, handlers(script)) as bench:
        await bench.engine.set_fingerprint("one")
        await bench.take(record(stock("a")), record(stock("b")))
        script.wanted = {"a": Decision((availability_delivery("a"),))}
        await bench.engine.set_fingerprint("one")
        await bench.engine.finish_catch_up()
        assert await bench.rows() == {}
        await bench.engine.set_fingerprint("two")
        await bench.engine.finish_catch_up()
        assert list(await bench.rows()) == ["availability:a"]


async def test_a_crash_while_changed_settings_are_recorded_loses_nothing(
    tmp_path: Path, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_bench(tmp_path, handlers(script)) as bench:
        await bench.engine.set_fingerprint("one")
        await bench.take(record(stock("a")))
        with monkeypatch.context() as broken, pytest.raises(TypeError):
            broken.setattr("services.engine.outbox.engine.mark_all_dirty", None)
            await bench.engine.set_fingerprint("two")
        script.wanted = {"a": Decision((availability_delivery("a"),))}
        await bench.engine.set_fingerprint("two")
        await bench.engine.finish_catch_up()
        assert list(await bench.rows()) == ["availability:a"]
