"""Decisions that fail or refuse, and refused deliveries: each opens one dead letter, which is closed when overtaken."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.reasons import Reason
from services.engine.outbox.decision import Decision, Refusal
from services.engine.outbox.handlers import Handlers
from services.engine.outbox.outcome import Refused
from services.engine.state.records import State
from tests.outbox.bench import Bench, Script, open_bench, want
from tests.outbox.sample_service import availability_delivery


@pytest.mark.claim("K13")
async def test_a_failing_decision_becomes_a_dead_letter_and_other_decisions_are_kept(tmp_path: Path) -> None:
    def decide(subject: str, _: State) -> Decision:
        if subject == "poison":
            raise KeyError("price")
        return Decision((availability_delivery(subject),))

    async with open_bench(tmp_path, Handlers((), {}, decide)) as bench:
        await bench.touch("poison", *[f"i{n}" for n in range(999)])
        await bench.touch("poison")
        (dead_letter,) = await bench.dead_letters()
        assert (dead_letter.reason, dead_letter.about) == ("decision.failed", "decide:poison")
        assert "KeyError: 'price'" in dead_letter.detail
        assert len(await bench.rows()) == 999


async def test_a_decision_that_works_again_closes_its_dead_letter(tmp_path: Path) -> None:
    broken = True

    def decide(subject: str, _: State) -> Decision:
        if broken:
            raise KeyError(subject)
        return Decision((availability_delivery(subject),))

    async with open_bench(tmp_path, Handlers((), {}, decide)) as bench:
        await bench.touch("a")
        broken = False
        await bench.touch("a")
        assert [closed.how for closed in await bench.closed_dead_letters()] == ["overtaken"]
        assert list(await bench.rows()) == ["availability:a"]


async def refuse(bench: Bench, script: Script, quantity: int = 1, detail: str = "no sku") -> None:
    """Decide the subject `a` again: its delivery is refused."""
    refusal = Refusal(availability_delivery("a", quantity), Reason.PRODUCT_NO_SKU, detail)
    await want(bench, script, refuse=(refusal,))


async def test_a_refusal_opens_one_dead_letter(scripted: Bench, script: Script) -> None:
    await refuse(scripted, script)
    await refuse(scripted, script)
    (dead_letter,) = await scripted.dead_letters()
    assert (dead_letter.reason, dead_letter.detail, dead_letter.about) == ("product.no-sku", "no sku", "availability:a")
    assert dead_letter.delivery is not None
    assert dead_letter.delivery.payload == {"item": "a", "quantity": 1}


async def test_another_refusal_of_the_same_delivery_updates_the_same_dead_letter(
    scripted: Bench, script: Script
) -> None:
    await refuse(scripted, script, detail="no sku")
    await refuse(scripted, script, detail="no product")
    first, second = await scripted.dead_letters()
    assert first.dead_letter == second.dead_letter
    assert [event.sequence for event in await scripted.published()] == [1, 2]


async def test_a_dead_letter_is_closed_once_when_its_refusal_is_gone(scripted: Bench, script: Script) -> None:
    await refuse(scripted, script)
    await want(scripted, script)
    await want(scripted, script)
    (closed,) = await scripted.closed_dead_letters()
    assert (closed.how, closed.by) == ("overtaken", "sample-service")


async def test_a_refused_delivery_is_not_sent_again_unchanged(scripted: Bench, script: Script) -> None:
    await want(scripted, script, availability_delivery("a"))
    await scripted.settle((await scripted.due())[0], Refused(Reason.SHOP_REFUSED, "no"))
    await scripted.touch("a")
    assert (await scripted.rows(), len(await scripted.dead_letters())) == ({}, 1)


async def test_a_refused_delivery_is_sent_again_when_its_payload_changes(scripted: Bench, script: Script) -> None:
    await want(scripted, script, availability_delivery("a", 1))
    await scripted.settle((await scripted.due())[0], Refused(Reason.SHOP_REFUSED, "no"))
    await want(scripted, script, availability_delivery("a", 2))
    assert [closed.how for closed in await scripted.closed_dead_letters()] == ["overtaken"]
    assert [row.payload["quantity"] for row in await scripted.due()] == [2]


async def test_a_refusal_of_a_replaced_payload_is_closed_at_once(scripted: Bench, script: Script) -> None:
    await want(scripted, script, availability_delivery("a", 1))
    (row,) = await scripted.due()
    await want(scripted, script, availability_delivery("a", 2))
    await scripted.settle(row, Refused(Reason.SHOP_REFUSED, "not one piece"))
    assert [closed.how for closed in await scripted.closed_dead_letters()] == ["overtaken"]
    assert [due.payload["quantity"] for due in await scripted.due()] == [2]
