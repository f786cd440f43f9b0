"""Decisions that fail or refuse, and refused deliveries: each is a dead letter once, and closed when overtaken."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.reasons import Reason
from services.engine.outbox.decision import Decision, Refusal
from services.engine.outbox.handlers import Handlers
from services.engine.outbox.outcome import Refused
from services.engine.state.records import State
from tests.outbox.bench import Bench, Script, open_bench, wanted
from tests.outbox.shelf import put_on_shelf


@pytest.mark.claim("K13")
async def test_a_decision_that_fails_becomes_a_dead_letter_and_the_others_stand(tmp_path: Path) -> None:
    def decide(subject: str, _: State) -> Decision:
        if subject == "poison":
            raise KeyError("price")
        return Decision((put_on_shelf(subject),))

    async with open_bench(tmp_path, Handlers((), {}, decide)) as bench:
        await bench.touch("poison", *[f"i{n}" for n in range(999)])
        await bench.touch("poison")
        (letter,) = await bench.letters()
        assert (letter.reason, letter.about) == ("decision.failed", "decide:poison")
        assert "KeyError: 'price'" in letter.detail
        assert len(await bench.rows()) == 999


async def test_a_decision_that_works_again_closes_its_dead_letter(tmp_path: Path) -> None:
    broken = True

    def decide(subject: str, _: State) -> Decision:
        if broken:
            raise KeyError(subject)
        return Decision((put_on_shelf(subject),))

    async with open_bench(tmp_path, Handlers((), {}, decide)) as bench:
        await bench.touch("a")
        broken = False
        await bench.touch("a")
        assert [closed.how for closed in await bench.closed()] == ["overtaken"]
        assert list(await bench.rows()) == ["shelf:a"]


async def refused(bench: Bench, script: Script, quantity: int = 1, detail: str = "no shelf") -> None:
    """Decide the subject `a` anew: its delivery cannot be made."""
    refusal = Refusal(put_on_shelf("a", quantity), Reason.PRODUCT_NO_SKU, detail)
    await wanted(bench, script, refuse=(refusal,))


async def test_a_refusal_is_a_dead_letter_once(scripted: Bench, script: Script) -> None:
    await refused(scripted, script)
    await refused(scripted, script)
    (letter,) = await scripted.letters()
    assert (letter.reason, letter.detail, letter.about) == ("product.no-sku", "no shelf", "shelf:a")
    assert letter.delivery is not None
    assert letter.delivery.payload == {"item": "a", "quantity": 1}


async def test_another_refusal_of_the_same_delivery_says_so_under_the_same_letter(
    scripted: Bench, script: Script
) -> None:
    await refused(scripted, script, detail="no shelf")
    await refused(scripted, script, detail="no floor")
    first, second = await scripted.letters()
    assert first.dead_letter == second.dead_letter
    assert [told.sequence for told in await scripted.published()] == [1, 2]


async def test_a_refusal_that_is_gone_is_overtaken_once(scripted: Bench, script: Script) -> None:
    await refused(scripted, script)
    await wanted(scripted, script)
    await wanted(scripted, script)
    (closed,) = await scripted.closed()
    assert (closed.how, closed.by) == ("overtaken", "shelf-filler")


async def test_a_delivery_that_upstream_refused_is_not_tried_again_as_it_is(scripted: Bench, script: Script) -> None:
    await wanted(scripted, script, put_on_shelf("a"))
    await scripted.settle((await scripted.due())[0], Refused(Reason.SHOP_REFUSED, "no"))
    await scripted.touch("a")
    assert (await scripted.rows(), len(await scripted.letters())) == ({}, 1)


async def test_a_refused_delivery_is_tried_anew_when_its_payload_changed(scripted: Bench, script: Script) -> None:
    await wanted(scripted, script, put_on_shelf("a", 1))
    await scripted.settle((await scripted.due())[0], Refused(Reason.SHOP_REFUSED, "no"))
    await wanted(scripted, script, put_on_shelf("a", 2))
    assert [closed.how for closed in await scripted.closed()] == ["overtaken"]
    assert [row.payload["quantity"] for row in await scripted.due()] == [2]


async def test_a_refusal_of_what_is_wanted_no_more_is_overtaken_at_once(scripted: Bench, script: Script) -> None:
    await wanted(scripted, script, put_on_shelf("a", 1))
    (row,) = await scripted.due()
    await wanted(scripted, script, put_on_shelf("a", 2))
    await scripted.settle(row, Refused(Reason.SHOP_REFUSED, "not one piece"))
    assert [closed.how for closed in await scripted.closed()] == ["overtaken"]
    assert [due.payload["quantity"] for due in await scripted.due()] == [2]
