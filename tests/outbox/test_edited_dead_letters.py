"""A person edits a refused delivery: it is sent under a new id, and the audit links the two."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.operations import DeadLettered
from contracts.reasons import Reason
from services.engine.outbox.decision import Decision, Refusal
from services.engine.outbox.outcome import Done
from tests.outbox.bench import Bench, Script, open_bench
from tests.outbox.dead_letter_commands import NO, command_outcomes, discard, edit, refuse_delivery, replay
from tests.outbox.sample_service import availability, availability_delivery, garbage, record, record_of, stock

pytestmark = pytest.mark.claim("S1.18")
EDITED = {"item": "a", "quantity": 5}


async def edit_refused(bench: Bench) -> DeadLettered:
    """Have the delivery of item a refused and edited by a person; returns the dead letter."""
    dead_letter = await refuse_delivery(bench)
    await bench.take(edit(dead_letter.dead_letter, EDITED))
    return dead_letter


async def test_the_edited_delivery_is_sent_instead_of_the_refused_one(bench: Bench) -> None:
    await edit_refused(bench)
    (row,) = await bench.due()
    assert (row.id, row.payload, row.subject) == ("availability:a~1", EDITED, "a")
    (closed,) = await bench.closed_dead_letters()
    assert (closed.how, closed.by, closed.why, closed.replacement) == ("edited", "nino", "a typo", "availability:a~1")
    assert await command_outcomes(bench) == [("e1", "done")]


async def test_an_edited_delivery_stays_wanted_when_its_subject_is_decided_again(bench: Bench) -> None:
    await edit_refused(bench)
    await bench.touch("a")
    assert list(await bench.rows()) == ["availability:a~1"]


async def test_the_success_of_an_edited_delivery_leaves_nothing_to_do(bench: Bench) -> None:
    await edit_refused(bench)
    (row,) = await bench.due()
    await bench.settle(row, Done((availability("a", 1),)))
    await bench.touch("a")
    assert await bench.rows() == {}


async def test_an_edited_delivery_is_withdrawn_when_a_newer_state_is_computed(bench: Bench) -> None:
    await edit_refused(bench)
    await bench.take(record(stock("a", 2), version=2))
    assert {id_: row.payload for id_, row in (await bench.rows()).items()} == {
        "availability:a": '{"item":"a","quantity":2}'
    }


async def test_an_edited_delivery_that_is_refused_opens_a_new_dead_letter_that_names_the_first(bench: Bench) -> None:
    first = await edit_refused(bench)
    await bench.settle((await bench.due())[0], NO)
    again = (await bench.dead_letters())[-1]
    assert (again.about, again.replayof) == ("availability:a~1", first.dead_letter)
    assert again.dead_letter != first.dead_letter
    # and it can be edited once more
    await bench.take(edit(again.dead_letter, {"item": "a", "quantity": 6}, "availability:a~2", "e2"))
    assert [(row.id, row.payload["quantity"]) for row in await bench.due()] == [("availability:a~2", 6)]


async def test_an_edited_delivery_can_be_replayed_and_discarded_like_any_other(bench: Bench) -> None:
    await edit_refused(bench)
    await bench.settle((await bench.due())[0], NO)
    again = (await bench.dead_letters())[-1].dead_letter
    await bench.take(replay(again))
    assert [row.id for row in await bench.due()] == ["availability:a~1"]
    await bench.settle((await bench.due())[0], NO)
    await bench.take(discard(again))
    await bench.touch("a")
    assert await bench.rows() == {}


async def test_an_edit_is_executed_once(bench: Bench) -> None:
    dead_letter = await edit_refused(bench)
    await bench.take(edit(dead_letter.dead_letter, {"item": "a", "quantity": 7}, "availability:a~2", "e2"))
    assert [row.id for row in await bench.due()] == ["availability:a~1"]
    assert await command_outcomes(bench) == [("e1", "done"), ("e2", "refused")]


async def test_an_edit_survives_the_loss_of_the_database(tmp_path: Path) -> None:
    async with open_bench(tmp_path / "old") as bench:
        dead_letter = await edit_refused(bench)
        history = [record(stock("a")), edit(dead_letter.dead_letter, EDITED), *map(record_of, await bench.published())]
    for reverse in (False, True):
        topic_by_topic = sorted(history, key=lambda record: record.topic, reverse=reverse)
        async with open_bench(tmp_path / str(reverse), caught_up=False) as rebuilt:
            await rebuilt.take(*topic_by_topic)
            await rebuilt.engine.finish_catch_up()
            assert await rebuilt.published() == []
            assert [(row.id, row.payload) for row in await rebuilt.due()] == [("availability:a~1", EDITED)]


async def test_a_delivery_that_was_never_sent_cannot_be_edited(scripted: Bench, script: Script) -> None:
    script.wanted["a"] = Decision(refuse=(Refusal(availability_delivery("a"), Reason.PRODUCT_NO_SKU, "no sku"),))
    await scripted.touch("a")
    (dead_letter,) = await scripted.dead_letters()
    await scripted.take(edit(dead_letter.dead_letter, EDITED))
    assert await command_outcomes(scripted) == [("e1", "refused")]
    assert (await scripted.closed_dead_letters(), await scripted.rows()) == ([], {})


async def test_the_dead_letter_of_a_republished_record_is_closed(bench: Bench) -> None:
    await bench.take(garbage(7))
    (dead_letter,) = await bench.dead_letters()
    await bench.take(edit(dead_letter.dead_letter, {}, "an event"))
    (closed,) = await bench.closed_dead_letters()
    assert (closed.how, closed.replacement) == ("edited", "an event")
    assert len(await bench.dead_letters()) == 1
