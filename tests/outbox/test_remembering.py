"""Events into the projection: versions, own announcements, news, rules that fail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event as sql
from sqlalchemy.engine import Engine as SqlEngine

from contracts.balance import StockChanged
from contracts.catalog import AvailabilityChanged
from contracts.envelope import Envelope
from contracts.model import Event
from services.engine.outbox.decision import Decision
from services.engine.outbox.handlers import Handlers
from services.engine.state.records import State
from tests.outbox.bench import Bench, Script, open_bench
from tests.outbox.shelf import SHELF, STOCK, envelope, handlers, of_envelope, put_on_shelf, record, shelved, stock


@contextmanager
def statements() -> Iterator[list[str]]:
    """The SQL statements that are executed meanwhile, each counted once however many rows it writes."""
    told: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        told.append(statement)

    sql.listen(SqlEngine, "before_cursor_execute", note)
    try:
        yield told
    finally:
        sql.remove(SqlEngine, "before_cursor_execute", note)


async def quantity(bench: Bench, item: str) -> int | None:
    """What the projection says of an item's stock."""
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
    assert (await bench.rows())["shelf:a"].payload == '{"item":"a","quantity":3}'


async def test_what_was_seen_is_remembered_beyond_a_restart(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        await bench.take(record(stock("a", 5), version=5))
    async with open_bench(tmp_path) as again:
        await again.take(record(stock("a", 4), version=4))
        assert await quantity(again, "a") == 5


async def test_own_announcements_get_the_next_version_and_are_remembered_at_once(bench: Bench) -> None:
    await bench.take(record(shelved("a", 7), version=7))
    async with bench.engine.work() as work:
        await work.announce([(shelved("a", 8), None), (shelved("b", 1), None), (shelved("a", 9), None)])
        held = await work.get_many(SHELF, ["a", "b"])
    assert [(told.data.item, told.sequence) for told in await bench.published()] == [("a", 8), ("b", 1), ("a", 9)]  # type: ignore[attr-defined]
    assert {item: int(known.quantity) for item, known in held.items()} == {"a": 9, "b": 1}


async def test_an_own_announcement_that_comes_back_from_kafka_is_not_taken_twice(tmp_path: Path) -> None:
    seen: list[int] = []

    def remember(told: Envelope[AvailabilityChanged], _: State) -> None:
        seen.append(told.sequence)

    rules = Handlers(topics=(), remember={AvailabilityChanged: remember}, decide=Script())
    async with open_bench(tmp_path, rules) as bench:
        await bench.announce(shelved("a"))
        (told,) = await bench.published()
        await bench.take(of_envelope(told))
    assert seen == [1]


async def test_an_announcement_follows_its_cause(bench: Bench) -> None:
    fact = replace(envelope(stock("a")), traceparent="00-" + "1" * 32 + "-" + "2" * 16 + "-01")
    async with bench.engine.work() as work:
        await work.announce([(shelved("a"), fact)])
    (told,) = await bench.published()
    assert (told.causationid, told.correlationid, told.traceparent) == (fact.id, fact.correlationid, fact.traceparent)


async def test_only_what_is_news_is_said(tmp_path: Path) -> None:
    def news(event: StockChanged, state: State) -> list[Event]:
        known = state.get(STOCK, event.item)
        return [] if known and known.rows == event.rows else [event]

    rules = Handlers((), handlers().remember, Script(), news={StockChanged: news})
    async with open_bench(tmp_path, rules) as bench:
        await bench.announce(stock("a", 1), stock("b", 1))
        await bench.announce(stock("a", 1), stock("b", 2))
        said = [(told.data.key, told.sequence) for told in await bench.published()]
    assert said == [("a", 1), ("b", 1), ("b", 2)]


async def test_a_type_without_a_rule_is_passed_over_and_its_version_kept(tmp_path: Path) -> None:
    async with open_bench(tmp_path, Handlers((), {}, Script())) as bench:
        await bench.take(record(stock("a"), version=4))
        await bench.announce(stock("a", 2))
        assert [told.sequence for told in await bench.published()] == [5]


@pytest.mark.claim("K13")
async def test_a_rule_that_fails_makes_one_dead_letter_and_the_others_proceed(tmp_path: Path) -> None:
    def remember(told: Envelope[StockChanged], state: State) -> None:
        state.put(STOCK, told.data.item, told.data)
        if told.data.item == "poison":
            raise ZeroDivisionError("per piece")

    rules = Handlers((), {StockChanged: remember}, Script())
    async with open_bench(tmp_path, rules) as bench:
        poison = record(stock("poison"), offset=0)
        await bench.take(poison, *[record(stock(f"i{n}"), offset=n) for n in range(1, 1000)])
        await bench.take(poison)
        (letter,) = await bench.letters()
        assert (letter.reason, letter.original_key) == ("record.rule-failed", "poison")
        assert "ZeroDivisionError: per piece" in letter.detail
        async with bench.engine.work() as work:
            kept = await work.get_many(STOCK, ["poison", *[f"i{n}" for n in range(1, 1000)]])
    assert "poison" not in kept
    assert len(kept) == 999


async def test_a_batch_of_500_events_costs_a_bounded_number_of_statements(bench: Bench) -> None:
    batch = [record(stock(f"i{n}"), offset=n) for n in range(500)]
    with statements() as first:
        await bench.take(*batch)
    with statements() as second:
        await bench.take(*[record(stock(f"i{n}", 2), version=2, offset=500 + n) for n in range(500)])
    assert len(await bench.rows()) == 500
    assert max(len(first), len(second)) <= 20, first


async def test_500_events_of_one_key_cost_no_more(bench: Bench) -> None:
    with statements() as told:
        await bench.take(*[record(stock("a", n), version=n, offset=n) for n in range(1, 501)])
    assert len(told) <= 20, told
    assert (await bench.rows())["shelf:a"].payload == '{"item":"a","quantity":500}'


async def test_a_rule_that_misses_runs_again_and_its_key_stays_in_order(tmp_path: Path) -> None:
    def remember(told: Envelope[StockChanged], state: State) -> None:
        before = state.get(STOCK, told.data.item)
        known = int(before.rows[0].quantity) if before else None
        seen[told.data.item, int(told.data.rows[0].quantity)] = known
        state.put(STOCK, told.data.item, told.data)

    seen: dict[tuple[str, int], int | None] = {}
    async with open_bench(tmp_path, Handlers((), {StockChanged: remember}, Script())) as bench:
        await bench.take(*[record(stock(item, n), version=n) for n in (1, 2, 3) for item in "ab"])
    assert seen == {(item, n): n - 1 or None for n in (1, 2, 3) for item in "ab"}


async def test_while_catching_up_decisions_are_deferred_until_everything_is_known(tmp_path: Path) -> None:
    async with open_bench(tmp_path, caught_up=False) as bench:
        await bench.take(record(stock("a")), record(stock("b")))
        assert await bench.rows() == {}
        await bench.take(record(shelved("a")))
        await bench.engine.finish_catch_up()
        assert list(await bench.rows()) == ["shelf:b"]


async def test_what_was_deferred_survives_a_restart(tmp_path: Path) -> None:
    async with open_bench(tmp_path, caught_up=False) as bench:
        await bench.take(record(stock("a")))
    async with open_bench(tmp_path, caught_up=False) as again:
        await again.engine.finish_catch_up()
        assert list(await again.rows()) == ["shelf:a"]


async def test_other_settings_have_every_subject_decided_again(tmp_path: Path, script: Script) -> None:
    async with open_bench(tmp_path, handlers(script)) as bench:
        await bench.engine.set_fingerprint("one")
        await bench.take(record(stock("a")), record(stock("b")))
        script.wanted = {"a": Decision((put_on_shelf("a"),))}
        await bench.engine.set_fingerprint("one")
        await bench.engine.finish_catch_up()
        assert await bench.rows() == {}
        await bench.engine.set_fingerprint("two")
        await bench.engine.finish_catch_up()
        assert list(await bench.rows()) == ["shelf:a"]


async def test_a_crash_amid_noting_other_settings_forgets_nothing(
    tmp_path: Path, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_bench(tmp_path, handlers(script)) as bench:
        await bench.engine.set_fingerprint("one")
        await bench.take(record(stock("a")))
        with monkeypatch.context() as broken, pytest.raises(TypeError):
            broken.setattr("services.engine.outbox.engine.mark_all_dirty", None)
            await bench.engine.set_fingerprint("two")
        script.wanted = {"a": Decision((put_on_shelf("a"),))}
        await bench.engine.set_fingerprint("two")
        await bench.engine.finish_catch_up()
        assert list(await bench.rows()) == ["shelf:a"]
