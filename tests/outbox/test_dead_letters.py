"""What cannot be handled is parked with its bytes, and a person's command is carried out once, where it belongs."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import replace
from pathlib import Path

import pytest

from contracts.balance import StockChanged
from contracts.envelope import Envelope
from contracts.reasons import Reason
from services.engine.kafka.record import Record, restore_record
from services.engine.outbox.decision import Decision, Refusal
from services.engine.outbox.handlers import Handlers
from services.engine.state.records import State
from tests.outbox.bench import Bench, Script, open_bench
from tests.outbox.letters import NO, answers, discard, refused_letter, replay
from tests.outbox.shelf import STOCK, garbage, handlers, of_envelope, put_on_shelf, record, stock


async def test_an_unreadable_record_becomes_one_dead_letter_with_its_bytes(bench: Bench) -> None:
    poison = garbage(7)
    await bench.take(poison, record(stock("b"), offset=8))
    await bench.take(poison)
    (letter,) = await bench.letters()
    assert (letter.reason, letter.about) == ("record.invalid-data", "record davtari.balance.stock/0/7 of k")
    assert letter.record is not None
    assert b64decode(letter.record.value or "") == b"\xffnot json"
    assert restore_record(letter.record) == poison
    assert list(await bench.rows()) == ["shelf:b"]


async def test_an_unreadable_record_stays_known_after_a_restart(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        await bench.take(garbage(7))
    async with open_bench(tmp_path) as again:
        await again.take(garbage(7))
        assert len(await again.letters()) == 1


@pytest.mark.parametrize("first", ["the record", "its letter"])
async def test_a_rebuilt_database_opens_no_dead_letter_again(tmp_path: Path, first: str) -> None:
    async with open_bench(tmp_path / "old") as bench:
        await bench.take(garbage(7))
        known = [of_envelope(told) for told in await bench.published()]
    batches = [[garbage(7)], known] if first == "the record" else [known, [garbage(7)]]
    async with open_bench(tmp_path / "new", caught_up=False) as rebuilt:
        for batch in batches:
            await rebuilt.take(*batch)
        await rebuilt.engine.finish_catch_up()
        assert await rebuilt.published() == []


async def test_a_rebuilt_database_opens_the_dead_letter_that_was_never_published(tmp_path: Path) -> None:
    async with open_bench(tmp_path, caught_up=False) as rebuilt:
        await rebuilt.take(garbage(7), garbage(8))
        await rebuilt.engine.finish_catch_up()
        assert sorted(letter.about for letter in await rebuilt.letters()) == [
            "record davtari.balance.stock/0/7 of k",
            "record davtari.balance.stock/0/8 of k",
        ]


@pytest.mark.claim("S1.18")
async def test_a_replayed_delivery_leaves_again(bench: Bench) -> None:
    letter = await refused_letter(bench)
    await bench.take(replay(letter.dead_letter))
    assert [row.id for row in await bench.due()] == ["shelf:a"]
    assert [(closed.how, closed.by) for closed in await bench.closed()] == [("replayed", "nino")]
    assert await answers(bench) == [("c1", "done")]


async def test_a_replayed_delivery_that_is_refused_again_is_a_dead_letter_again(bench: Bench) -> None:
    letter = await refused_letter(bench)
    await bench.take(replay(letter.dead_letter))
    await bench.settle((await bench.due())[0], NO)
    assert [again.dead_letter for again in await bench.letters()] == [letter.dead_letter] * 2
    await bench.take(replay(letter.dead_letter, "c2"))
    assert [row.id for row in await bench.due()] == ["shelf:a"]


async def test_a_second_replay_does_nothing_and_says_so(bench: Bench) -> None:
    letter = await refused_letter(bench)
    await bench.take(replay(letter.dead_letter, "c1"))
    before = await bench.rows()
    await bench.take(replay(letter.dead_letter, "c2"))
    assert await bench.rows() == before
    assert await answers(bench) == [("c1", "done"), ("c2", "refused")]


async def test_a_command_that_is_delivered_twice_is_carried_out_once(bench: Bench) -> None:
    letter = await refused_letter(bench)
    await bench.take(replay(letter.dead_letter), replay(letter.dead_letter))
    await bench.take(replay(letter.dead_letter))
    assert await answers(bench) == [("c1", "done")]


@pytest.mark.claim("S1.18")
async def test_a_discarded_delivery_stays_quiet_until_its_payload_changes(bench: Bench) -> None:
    letter = await refused_letter(bench)
    await bench.take(discard(letter.dead_letter))
    await bench.touch("a")
    assert (await bench.rows(), len(await bench.letters())) == ({}, 1)
    (closed,) = await bench.closed()
    assert (closed.how, closed.by, closed.why) == ("discarded", "nino", "sold by hand")
    await bench.take(record(stock("a", 2), version=2))
    assert [row.payload["quantity"] for row in await bench.due()] == [2]


async def test_a_discarded_refusal_stays_quiet(scripted: Bench, script: Script) -> None:
    script.wanted["a"] = Decision(refuse=(Refusal(put_on_shelf("a"), Reason.PRODUCT_NO_SKU, "no sku"),))
    await scripted.touch("a")
    (letter,) = await scripted.letters()
    await scripted.take(discard(letter.dead_letter))
    await scripted.touch("a")
    assert len(await scripted.letters()) == 1


async def test_another_services_dead_letter_is_left_to_it(tmp_path: Path) -> None:
    async with open_bench(tmp_path / "one") as failed:
        letter = await refused_letter(failed)
        told = [of_envelope(each) for each in await failed.published()]
    other = [replace_service(each) for each in told]
    async with open_bench(tmp_path / "two") as bystander:
        await bystander.take(*other)
        await bystander.take(replay(letter.dead_letter), discard(letter.dead_letter))
        assert await bystander.published() == []


def replace_service(raw: Record) -> Record:
    """The same dead letter, of a service with another name."""
    return replace(raw, value=(raw.value or b"").replace(b'"service":"shelf-filler"', b'"service":"other"'))


async def test_a_replayed_record_is_handled_if_it_can_be_now(tmp_path: Path) -> None:
    broken = True

    def remember(told: Envelope[StockChanged], state: State) -> None:
        if broken:
            raise KeyError("warehouse")
        state.put(STOCK, told.data.item, told.data)
        state.touch(told.data.item)

    async with open_bench(tmp_path, Handlers((), {StockChanged: remember}, handlers().decide)) as bench:
        await bench.take(record(stock("a")))
        (letter,) = await bench.letters()
        broken = False
        await bench.take(replay(letter.dead_letter))
        await bench.take(replay(letter.dead_letter, "c2"))
        assert await answers(bench) == [("c1", "done"), ("c2", "refused")]
        assert [(row.id, row.version) for row in await bench.due()] == [("shelf:a", 1)]


async def test_a_replayed_record_that_still_fails_in_its_rule_is_a_dead_letter_again(tmp_path: Path) -> None:
    def remember(_: Envelope[StockChanged], __: State) -> None:
        raise KeyError("warehouse")

    async with open_bench(tmp_path, Handlers((), {StockChanged: remember}, Script())) as bench:
        await bench.take(record(stock("a")))
        (letter,) = await bench.letters()
        await bench.take(replay(letter.dead_letter))
        assert [again.dead_letter for again in await bench.letters()] == [letter.dead_letter] * 2
        await bench.take(replay(letter.dead_letter, "c2"))
        assert await answers(bench) == [("c1", "done"), ("c2", "done")]


async def test_a_replayed_record_that_is_still_unreadable_is_a_dead_letter_again(bench: Bench) -> None:
    await bench.take(garbage(7))
    (letter,) = await bench.letters()
    await bench.take(replay(letter.dead_letter))
    assert [again.dead_letter for again in await bench.letters()] == [letter.dead_letter] * 2
    assert [told.sequence for told in await bench.published() if told.subject == letter.dead_letter] == [1, 2, 3]


async def test_a_replayed_record_that_was_overtaken_meanwhile_changes_nothing(tmp_path: Path) -> None:
    def remember(told: Envelope[StockChanged], state: State) -> None:
        if told.sequence == 1 and not mended:
            raise KeyError("warehouse")
        state.put(STOCK, told.data.item, told.data)

    mended = False
    async with open_bench(tmp_path, Handlers((), {StockChanged: remember}, Script())) as bench:
        await bench.take(record(stock("a", 1), version=1, offset=1), record(stock("a", 2), version=2, offset=2))
        mended = True
        await bench.take(replay((await bench.letters())[0].dead_letter))
        async with bench.engine.work() as work:
            assert (await work.get_many(STOCK, ["a"]))["a"].rows[0].quantity == 2


async def test_a_discarded_record_stays_quiet(bench: Bench) -> None:
    await bench.take(garbage(7))
    (letter,) = await bench.letters()
    await bench.take(discard(letter.dead_letter))
    await bench.take(garbage(7))
    assert len(await bench.letters()) == 1


async def test_commands_and_letters_survive_the_loss_of_the_database(tmp_path: Path) -> None:
    async with open_bench(tmp_path / "old") as bench:
        letter = await refused_letter(bench)
        await bench.take(discard(letter.dead_letter))
        history = [record(stock("a")), discard(letter.dead_letter), *map(of_envelope, await bench.published())]
    async with open_bench(tmp_path / "new", caught_up=False) as rebuilt:
        await rebuilt.take(*history)
        await rebuilt.engine.finish_catch_up()
        assert (await rebuilt.published(), await rebuilt.rows()) == ([], {})


async def test_a_command_about_a_letter_that_is_closed_is_answered_and_never_meets_a_later_one(
    tmp_path: Path,
) -> None:
    async with open_bench(tmp_path / "old") as bench:
        letter = await refused_letter(bench)
        await bench.take(record(stock("a", 2), version=2))
        await bench.take(discard(letter.dead_letter))
        assert await answers(bench) == [("d1", "refused")]
        await bench.settle((await bench.due())[0], NO)
        facts = [record(stock("a", 1), 1), record(stock("a", 2), 2), discard(letter.dead_letter)]
        history = [*facts, *map(of_envelope, await bench.published())]
    async with open_bench(tmp_path / "new", caught_up=False) as rebuilt:
        await rebuilt.take(*history)
        await rebuilt.engine.finish_catch_up()
        assert await rebuilt.published() == []
        await rebuilt.take(replay(letter.dead_letter))
        assert await answers(rebuilt) == [("c1", "done")]
