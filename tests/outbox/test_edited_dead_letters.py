"""A person puts a refused delivery right: it leaves under a new id, and the audit says what became of the old one."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.operations import DeadLettered
from contracts.reasons import Reason
from services.engine.outbox.decision import Decision, Refusal
from services.engine.outbox.outcome import Done
from tests.outbox.bench import Bench, Script, open_bench
from tests.outbox.letters import NO, answers, discard, edit, refused_letter, replay
from tests.outbox.shelf import garbage, of_envelope, put_on_shelf, record, shelved, stock

pytestmark = pytest.mark.claim("S1.18")
RIGHT = {"item": "a", "quantity": 5}


async def edited(bench: Bench) -> DeadLettered:
    """The stock of item a was refused, and a person has put it right; gives the letter."""
    letter = await refused_letter(bench)
    await bench.take(edit(letter.dead_letter, RIGHT))
    return letter


async def test_what_was_put_right_leaves_in_place_of_what_was_refused(bench: Bench) -> None:
    await edited(bench)
    (row,) = await bench.due()
    assert (row.id, row.payload, row.subject) == ("shelf:a~1", RIGHT, "a")
    (closed,) = await bench.closed()
    assert (closed.how, closed.by, closed.why, closed.replacement) == ("edited", "nino", "a typo", "shelf:a~1")
    assert await answers(bench) == [("e1", "done")]


async def test_it_stays_wanted_when_its_subject_is_decided_again(bench: Bench) -> None:
    await edited(bench)
    await bench.touch("a")
    assert list(await bench.rows()) == ["shelf:a~1"]


async def test_its_effect_ends_the_matter(bench: Bench) -> None:
    await edited(bench)
    (row,) = await bench.due()
    await bench.settle(row, Done((shelved("a", 1),)))
    await bench.touch("a")
    assert await bench.rows() == {}


async def test_it_is_taken_back_when_a_newer_state_is_computed(bench: Bench) -> None:
    await edited(bench)
    await bench.take(record(stock("a", 2), version=2))
    assert {id_: row.payload for id_, row in (await bench.rows()).items()} == {"shelf:a": '{"item":"a","quantity":2}'}


async def test_what_is_refused_again_is_a_letter_of_its_own_that_names_the_first(bench: Bench) -> None:
    first = await edited(bench)
    await bench.settle((await bench.due())[0], NO)
    again = (await bench.letters())[-1]
    assert (again.about, again.replayof) == ("shelf:a~1", first.dead_letter)
    assert again.dead_letter != first.dead_letter
    # and it may be put right once more, or tried again as it is
    await bench.take(edit(again.dead_letter, {"item": "a", "quantity": 6}, "shelf:a~2", "e2"))
    assert [(row.id, row.payload["quantity"]) for row in await bench.due()] == [("shelf:a~2", 6)]


async def test_what_was_put_right_may_be_replayed_and_given_up_like_any_other(bench: Bench) -> None:
    await edited(bench)
    await bench.settle((await bench.due())[0], NO)
    again = (await bench.letters())[-1].dead_letter
    await bench.take(replay(again))
    assert [row.id for row in await bench.due()] == ["shelf:a~1"]
    await bench.settle((await bench.due())[0], NO)
    await bench.take(discard(again))
    await bench.touch("a")
    assert await bench.rows() == {}


async def test_an_edit_is_carried_out_once(bench: Bench) -> None:
    letter = await edited(bench)
    await bench.take(edit(letter.dead_letter, {"item": "a", "quantity": 7}, "shelf:a~2", "e2"))
    assert [row.id for row in await bench.due()] == ["shelf:a~1"]
    assert await answers(bench) == [("e1", "done"), ("e2", "refused")]


async def test_it_survives_the_loss_of_the_database(tmp_path: Path) -> None:
    async with open_bench(tmp_path / "old") as bench:
        letter = await edited(bench)
        history = [record(stock("a")), edit(letter.dead_letter, RIGHT), *map(of_envelope, await bench.published())]
    for turned in (False, True):
        topic_by_topic = sorted(history, key=lambda told: told.topic, reverse=turned)
        async with open_bench(tmp_path / str(turned), caught_up=False) as rebuilt:
            await rebuilt.take(*topic_by_topic)
            await rebuilt.engine.finish_catch_up()
            assert await rebuilt.published() == []
            assert [(row.id, row.payload) for row in await rebuilt.due()] == [("shelf:a~1", RIGHT)]


async def test_what_was_never_sent_cannot_be_put_right(scripted: Bench, script: Script) -> None:
    script.wanted["a"] = Decision(refuse=(Refusal(put_on_shelf("a"), Reason.PRODUCT_NO_SKU, "no sku"),))
    await scripted.touch("a")
    (letter,) = await scripted.letters()
    await scripted.take(edit(letter.dead_letter, RIGHT))
    assert await answers(scripted) == [("e1", "refused")]
    assert (await scripted.closed(), await scripted.rows()) == ([], {})


async def test_the_letter_of_a_record_that_was_published_again_is_closed(bench: Bench) -> None:
    await bench.take(garbage(7))
    (letter,) = await bench.letters()
    await bench.take(edit(letter.dead_letter, {}, "an event"))
    (closed,) = await bench.closed()
    assert (closed.how, closed.replacement) == ("edited", "an event")
    assert len(await bench.letters()) == 1
