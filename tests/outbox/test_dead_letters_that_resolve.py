"""Dead letters that go by themselves once their cause is gone, and those whose replay is in vain again and again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from contracts.balance import StockChanged
from contracts.envelope import Envelope
from contracts.reasons import Reason
from services.engine.outbox.decision import NOTHING, Decision, Refusal
from services.engine.outbox.handlers import Decide, Handlers
from services.engine.outbox.outcome import Blocked, Refused
from services.engine.state.records import State
from tests.outbox.bench import DEADLINE, Bench, Script, open_bench
from tests.outbox.letters import NO, refused_letter, replay
from tests.outbox.shelf import STOCK, of_envelope, put_on_shelf, record, stock

NO_LINK = Blocked("link", Reason.SALE_ITEM_NOT_LINKED, "no link yet")


def decide(subject: str, state: State) -> Decision:
    """Item a waits for item b, as an order waits for a product's link."""
    if subject != "a" or state.get(STOCK, "a") is None:
        return NOTHING
    there = state.get(STOCK, "b") is not None
    return Decision((put_on_shelf("a") if there else replace(put_on_shelf("a"), blocked=NO_LINK),))


def remember(told: Envelope[StockChanged], state: State) -> None:
    """Item b is what item a waits for."""
    state.put(STOCK, told.data.item, told.data)
    state.release("link") if told.data.item == "b" else state.touch("a")


RULES = Handlers((), {StockChanged: remember}, decide)


async def waited_in_vain(bench: Bench) -> None:
    """Item a has waited past its deadline and become a dead letter."""
    await bench.take(record(stock("a")))
    bench.clock.advance(DEADLINE + 1)
    await bench.engine.dead_letter_overdue()
    (letter,) = await bench.letters()
    assert (letter.reason, await bench.rows()) == (Reason.SALE_ITEM_NOT_LINKED, {})
    assert letter.delivery is not None
    assert letter.delivery.blocked_on == "link"


@pytest.mark.claim("I10")
async def test_a_letter_over_a_missing_link_goes_by_itself_when_the_link_is_there(tmp_path: Path) -> None:
    async with open_bench(tmp_path, RULES) as bench:
        await waited_in_vain(bench)
        await bench.take(record(stock("b")))
        assert [row.id for row in await bench.due()] == ["shelf:a"]
        assert [closed.how for closed in await bench.closed()] == ["overtaken"]


async def test_so_it_does_when_the_link_was_made_while_the_service_was_down(tmp_path: Path) -> None:
    async with open_bench(tmp_path, RULES) as bench:
        await waited_in_vain(bench)
    async with open_bench(tmp_path, RULES, caught_up=False) as again:
        await again.take(record(stock("b")))
        await again.engine.finish_catch_up()
        assert [row.id for row in await again.due()] == ["shelf:a"]


async def test_so_it_does_after_the_loss_of_the_database(tmp_path: Path) -> None:
    async with open_bench(tmp_path / "old", RULES) as bench:
        await waited_in_vain(bench)
        history = [record(stock("a")), *map(of_envelope, await bench.published())]
    async with open_bench(tmp_path / "new", RULES, caught_up=False) as rebuilt:
        await rebuilt.take(*history)
        await rebuilt.engine.finish_catch_up()
        assert (await rebuilt.due(), await rebuilt.published()) == ([], [])
        await rebuilt.take(record(stock("b")))
        assert [row.id for row in await rebuilt.due()] == ["shelf:a"]


def refusing(mapped: set[str]) -> Decide:
    """Rules under settings that name these items only."""

    def found(subject: str, _: State) -> Decision:
        delivery = put_on_shelf(subject)
        refusal = Refusal(delivery, Reason.SALE_TAX_NOT_MAPPED, "no VAT rate in the settings")
        return Decision((delivery,)) if subject in mapped else Decision(refuse=(refusal,))

    return found


@pytest.mark.claim("I10")
async def test_a_letter_over_a_missing_setting_goes_by_itself_after_a_start_with_that_setting(tmp_path: Path) -> None:
    async with open_bench(tmp_path, Handlers((), {}, refusing(set()))) as bench:
        await bench.engine.set_fingerprint("without")
        await bench.touch("a", "b")
        assert len(await bench.letters()) == 2
    async with open_bench(tmp_path, Handlers((), {}, refusing({"a"})), caught_up=False) as again:
        await again.engine.set_fingerprint("with")
        await again.engine.finish_catch_up()
        assert [row.id for row in await again.due()] == ["shelf:a"]
        assert [closed.how for closed in await again.closed()] == ["overtaken"]
        assert len(await again.letters()) == 2


async def in_vain(bench: Bench, command: str, refusal: Refused = NO) -> int:
    """Replay the letter of item a, which is refused again; gives how often that was in vain."""
    await bench.take(replay((await bench.letters())[-1].dead_letter, command))
    await bench.settle((await bench.due())[0], refusal)
    return (await bench.letters())[-1].replays


async def test_a_letter_counts_its_replays_that_ended_with_the_same_reason(bench: Bench) -> None:
    assert (await refused_letter(bench)).replays == 0
    assert [await in_vain(bench, f"c{n}") for n in (1, 2)] == [1, 2]
    other = Refused(Reason.SHOP_PRODUCT_GONE, "gone")
    assert [await in_vain(bench, "c3", other), await in_vain(bench, "c4", other)] == [0, 1]


async def test_a_letter_about_another_state_is_counted_anew(bench: Bench) -> None:
    await refused_letter(bench)
    await in_vain(bench, "c1")
    await bench.take(record(stock("a", 2), version=2))
    await bench.settle((await bench.due())[0], NO)
    assert (await bench.letters())[-1].replays == 0


async def test_a_refusal_that_is_replayed_in_vain_is_counted_too(scripted: Bench, script: Script) -> None:
    script.wanted["a"] = Decision(refuse=(Refusal(put_on_shelf("a"), Reason.PRODUCT_NO_SKU, "no sku"),))
    await scripted.touch("a")
    for n in (1, 2):
        await scripted.take(replay((await scripted.letters())[-1].dead_letter, f"c{n}"))
    assert [letter.replays for letter in await scripted.letters()] == [0, 1, 2]
