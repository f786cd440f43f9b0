"""A record that cannot be handled is parked with its bytes; a command is executed once, by the right service."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import replace
from pathlib import Path

import pytest

from contracts.balance import StockChanged
from contracts.envelope import Envelope
from contracts.operations import CommandSettled
from contracts.reasons import Reason
from services.engine.kafka.record import Record, restore_record
from services.engine.outbox.decision import Decision, Refusal
from services.engine.outbox.handlers import Handlers
from services.engine.state.records import State
from tests.outbox.bench import Bench, Script, open_bench
from tests.outbox.dead_letter_commands import NO, command_outcomes, discard, refuse_delivery, replay
from tests.outbox.sample_service import STOCK, availability_delivery, garbage, handlers, record, record_of, stock


async def test_an_unreadable_record_becomes_one_dead_letter_with_its_bytes(bench: Bench) -> None:
    poison = garbage(7)
    await bench.take(poison, record(stock("b"), offset=8))
    await bench.take(poison)
    (dead_letter,) = await bench.dead_letters()
    assert (dead_letter.reason, dead_letter.about) == ("record.invalid-data", "record davtari.balance.stock/0/7 of k")
    assert dead_letter.record is not None
    assert b64decode(dead_letter.record.value or "") == b"\xffnot json"
    assert restore_record(dead_letter.record) == poison
    assert list(await bench.rows()) == ["availability:b"]


async def test_an_unreadable_record_is_still_known_after_a_restart(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        await bench.take(garbage(7))
    async with open_bench(tmp_path) as again:
        await again.take(garbage(7))
        assert len(await again.dead_letters()) == 1


@pytest.mark.parametrize("first", ["the record", "its dead letter"])
async def test_a_rebuild_opens_no_dead_letter_twice(tmp_path: Path, first: str) -> None:
    async with open_bench(tmp_path / "old") as bench:
        await bench.take(garbage(7))
        known = [record_of(event) for event in await bench.published()]
    batches = [[garbage(7)], known] if first == "the record" else [known, [garbage(7)]]
    async with open_bench(tmp_path / "new", caught_up=False) as rebuilt:
        for batch in batches:
            await rebuilt.take(*batch)
        await rebuilt.engine.finish_catch_up()
        assert await rebuilt.published() == []


async def test_a_rebuild_opens_a_dead_letter_that_was_never_published(tmp_path: Path) -> None:
    async with open_bench(tmp_path, caught_up=False) as rebuilt:
        await rebuilt.take(garbage(7), garbage(8))
        await rebuilt.engine.finish_catch_up()
        assert sorted(dead_letter.about for dead_letter in await rebuilt.dead_letters()) == [
            "record davtari.balance.stock/0/7 of k",
            "record davtari.balance.stock/0/8 of k",
        ]


@pytest.mark.claim("S1.18")
async def test_a_replayed_delivery_is_sent_again(bench: Bench) -> None:
    dead_letter = await refuse_delivery(bench)
    await bench.take(replay(dead_letter.dead_letter))
    assert [row.id for row in await bench.due()] == ["availability:a"]
    assert [(closed.how, closed.by) for closed in await bench.closed_dead_letters()] == [("replayed", "nino")]
    assert await command_outcomes(bench) == [("c1", "done")]


async def test_a_replayed_delivery_that_is_refused_again_reopens_its_dead_letter(bench: Bench) -> None:
    dead_letter = await refuse_delivery(bench)
    await bench.take(replay(dead_letter.dead_letter))
    await bench.settle((await bench.due())[0], NO)
    assert [again.dead_letter for again in await bench.dead_letters()] == [dead_letter.dead_letter] * 2
    await bench.take(replay(dead_letter.dead_letter, "c2"))
    assert [row.id for row in await bench.due()] == ["availability:a"]


async def test_a_second_replay_does_nothing_and_is_refused(bench: Bench) -> None:
    dead_letter = await refuse_delivery(bench)
    await bench.take(replay(dead_letter.dead_letter, "c1"))
    before = await bench.rows()
    await bench.take(replay(dead_letter.dead_letter, "c2"))
    assert await bench.rows() == before
    assert await command_outcomes(bench) == [("c1", "done"), ("c2", "refused")]
    answers = [one.data for one in await bench.published() if isinstance(one.data, CommandSettled)]
    assert [answer.already_closed for answer in answers] == [False, True]


async def test_a_command_received_twice_is_executed_once(bench: Bench) -> None:
    dead_letter = await refuse_delivery(bench)
    await bench.take(replay(dead_letter.dead_letter), replay(dead_letter.dead_letter))
    await bench.take(replay(dead_letter.dead_letter))
    assert await command_outcomes(bench) == [("c1", "done")]


@pytest.mark.claim("S1.18")
async def test_a_discarded_delivery_is_not_sent_until_its_payload_changes(bench: Bench) -> None:
    dead_letter = await refuse_delivery(bench)
    await bench.take(discard(dead_letter.dead_letter))
    await bench.touch("a")
    assert (await bench.rows(), len(await bench.dead_letters())) == ({}, 1)
    (closed,) = await bench.closed_dead_letters()
    assert (closed.how, closed.by, closed.why) == ("discarded", "nino", "sold by hand")
    await bench.take(record(stock("a", 2), version=2))
    assert [row.payload["quantity"] for row in await bench.due()] == [2]


async def test_a_discarded_refusal_is_not_reported_again(scripted: Bench, script: Script) -> None:
    script.wanted["a"] = Decision(refuse=(Refusal(availability_delivery("a"), Reason.PRODUCT_NO_SKU, "no sku"),))
    await scripted.touch("a")
    (dead_letter,) = await scripted.dead_letters()
    await scripted.take(discard(dead_letter.dead_letter))
    await scripted.touch("a")
    assert len(await scripted.dead_letters()) == 1


async def test_the_dead_letter_of_another_service_is_ignored(tmp_path: Path) -> None:
    async with open_bench(tmp_path / "one") as failed:
        dead_letter = await refuse_delivery(failed)
        published = [record_of(each) for each in await failed.published()]
    other = [replace_service(each) for each in published]
    async with open_bench(tmp_path / "two") as bystander:
        await bystander.take(*other)
        await bystander.take(replay(dead_letter.dead_letter), discard(dead_letter.dead_letter))
        assert await bystander.published() == []


def replace_service(raw: Record) -> Record:
    """The same dead letter, of another service."""
    return replace(raw, value=(raw.value or b"").replace(b'"service":"sample-service"', b'"service":"other"'))


async def test_a_replayed_record_is_handled_once_its_rule_works(tmp_path: Path) -> None:
    broken = True

    def remember(event: Envelope[StockChanged], state: State) -> None:
        if broken:
            raise KeyError("warehouse")
        state.put(STOCK, event.data.item, event.data)
        state.touch(event.data.item)

    async with open_bench(tmp_path, Handlers((), {StockChanged: remember}, handlers().decide)) as bench:
        await bench.take(record(stock("a")))
        (dead_letter,) = await bench.dead_letters()
        broken = False
        await bench.take(replay(dead_letter.dead_letter))
        await bench.take(replay(dead_letter.dead_letter, "c2"))
        assert await command_outcomes(bench) == [("c1", "done"), ("c2", "refused")]
        assert [(row.id, row.version) for row in await bench.due()] == [("availability:a", 1)]


async def test_a_replayed_record_whose_rule_still_fails_reopens_its_dead_letter(tmp_path: Path) -> None:
    def remember(_: Envelope[StockChanged], __: State) -> None:
        raise KeyError("warehouse")

    async with open_bench(tmp_path, Handlers((), {StockChanged: remember}, Script())) as bench:
        await bench.take(record(stock("a")))
        (dead_letter,) = await bench.dead_letters()
        await bench.take(replay(dead_letter.dead_letter))
        assert [again.dead_letter for again in await bench.dead_letters()] == [dead_letter.dead_letter] * 2
        await bench.take(replay(dead_letter.dead_letter, "c2"))
        assert await command_outcomes(bench) == [("c1", "done"), ("c2", "done")]


async def test_a_replayed_record_that_is_still_unreadable_reopens_its_dead_letter(bench: Bench) -> None:
    await bench.take(garbage(7))
    (dead_letter,) = await bench.dead_letters()
    await bench.take(replay(dead_letter.dead_letter))
    assert [again.dead_letter for again in await bench.dead_letters()] == [dead_letter.dead_letter] * 2
    assert [event.sequence for event in await bench.published() if event.subject == dead_letter.dead_letter] == [
        1,
        2,
        3,
    ]


async def test_a_replayed_record_older_than_the_state_changes_nothing(tmp_path: Path) -> None:
    def remember(event: Envelope[StockChanged], state: State) -> None:
        if event.sequence == 1 and not fixed:
            raise KeyError("warehouse")
        state.put(STOCK, event.data.item, event.data)

    fixed = False
    async with open_bench(tmp_path, Handlers((), {StockChanged: remember}, Script())) as bench:
        await bench.take(record(stock("a", 1), version=1, offset=1), record(stock("a", 2), version=2, offset=2))
        fixed = True
        await bench.take(replay((await bench.dead_letters())[0].dead_letter))
        async with bench.engine.work() as work:
            assert (await work.get_many(STOCK, ["a"]))["a"].rows[0].quantity == 2


async def test_a_discarded_record_is_not_reported_again(bench: Bench) -> None:
    await bench.take(garbage(7))
    (dead_letter,) = await bench.dead_letters()
    await bench.take(discard(dead_letter.dead_letter))
    await bench.take(garbage(7))
    assert len(await bench.dead_letters()) == 1


async def test_commands_and_dead_letters_survive_the_loss_of_the_database(tmp_path: Path) -> None:
    async with open_bench(tmp_path / "old") as bench:
        dead_letter = await refuse_delivery(bench)
        await bench.take(discard(dead_letter.dead_letter))
        history = [record(stock("a")), discard(dead_letter.dead_letter), *map(record_of, await bench.published())]
    async with open_bench(tmp_path / "new", caught_up=False) as rebuilt:
        await rebuilt.take(*history)
        await rebuilt.engine.finish_catch_up()
        assert (await rebuilt.published(), await rebuilt.rows()) == ([], {})


async def test_a_command_for_a_closed_dead_letter_is_refused_and_never_applies_to_a_later_one(
    tmp_path: Path,
) -> None:
    async with open_bench(tmp_path / "old") as bench:
        dead_letter = await refuse_delivery(bench)
        await bench.take(record(stock("a", 2), version=2))
        await bench.take(discard(dead_letter.dead_letter))
        assert await command_outcomes(bench) == [("d1", "refused")]
        await bench.settle((await bench.due())[0], NO)
        facts = [record(stock("a", 1), 1), record(stock("a", 2), 2), discard(dead_letter.dead_letter)]
        history = [*facts, *map(record_of, await bench.published())]
    async with open_bench(tmp_path / "new", caught_up=False) as rebuilt:
        await rebuilt.take(*history)
        await rebuilt.engine.finish_catch_up()
        assert await rebuilt.published() == []
        await rebuilt.take(replay(dead_letter.dead_letter))
        assert await command_outcomes(rebuilt) == [("c1", "done")]
