"""Dead letters that close by themselves once their cause is gone, and those whose replays keep failing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from contracts.balance import StockChanged
from contracts.envelope import Envelope
from contracts.reasons import Reason
from services.cli.dead_letter_log import DeadLetter, apply_dead_letter_event
from services.engine.outbox.decision import NOTHING, Decision, Refusal
from services.engine.outbox.handlers import Decide, Handlers
from services.engine.outbox.outcome import Blocked, Refused
from services.engine.state.records import State
from tests.outbox.bench import DEADLINE, Bench, Script, open_bench
from tests.outbox.dead_letter_commands import NO, refuse_delivery, replay
from tests.outbox.sample_service import STOCK, availability_delivery, record, record_of, stock

NO_LINK = Blocked("link", Reason.SALE_ITEM_NOT_LINKED, "no link yet")


def decide(subject: str, state: State) -> Decision:
    """Item a waits for item b, as an order waits for the link of a product."""
    if subject != "a" or state.get(STOCK, "a") is None:
        return NOTHING
    is_linked = state.get(STOCK, "b") is not None
    return Decision(
        (availability_delivery("a") if is_linked else replace(availability_delivery("a"), blocked=NO_LINK),)
    )


def remember(event: Envelope[StockChanged], state: State) -> None:
    """Item b is what item a waits for."""
    state.put(STOCK, event.data.item, event.data)
    state.release("link") if event.data.item == "b" else state.touch("a")


RULES = Handlers((), {StockChanged: remember}, decide)


async def block_until_dead_lettered(bench: Bench) -> None:
    """Have item a wait past its deadline and become a dead letter."""
    await bench.take(record(stock("a")))
    bench.clock.advance(DEADLINE + 1)
    await bench.engine.dead_letter_overdue()
    (dead_letter,) = await bench.dead_letters()
    assert (dead_letter.reason, await bench.rows()) == (Reason.SALE_ITEM_NOT_LINKED, {})
    assert dead_letter.delivery is not None
    assert dead_letter.delivery.blocked_on == "link"


@pytest.mark.claim("I10")
async def test_a_dead_letter_about_a_missing_link_closes_when_the_link_is_recorded(tmp_path: Path) -> None:
    async with open_bench(tmp_path, RULES) as bench:
        await block_until_dead_lettered(bench)
        await bench.take(record(stock("b")))
        assert [row.id for row in await bench.due()] == ["availability:a"]
        assert [closed.how for closed in await bench.closed_dead_letters()] == ["overtaken"]


async def test_a_dead_letter_about_a_missing_link_closes_when_the_link_was_recorded_while_the_service_was_down(
    tmp_path: Path,
) -> None:
    async with open_bench(tmp_path, RULES) as bench:
        await block_until_dead_lettered(bench)
    async with open_bench(tmp_path, RULES, caught_up=False) as again:
        await again.take(record(stock("b")))
        await again.engine.finish_catch_up()
        assert [row.id for row in await again.due()] == ["availability:a"]


async def test_a_dead_letter_about_a_missing_link_closes_after_the_loss_of_the_database(tmp_path: Path) -> None:
    async with open_bench(tmp_path / "old", RULES) as bench:
        await block_until_dead_lettered(bench)
        history = [record(stock("a")), *map(record_of, await bench.published())]
    async with open_bench(tmp_path / "new", RULES, caught_up=False) as rebuilt:
        await rebuilt.take(*history)
        await rebuilt.engine.finish_catch_up()
        assert (await rebuilt.due(), await rebuilt.published()) == ([], [])
        await rebuilt.take(record(stock("b")))
        assert [row.id for row in await rebuilt.due()] == ["availability:a"]


def refuse_unmapped(mapped: set[str]) -> Decide:
    """A rule that refuses every item that the settings do not map."""

    def decide_mapped(subject: str, _: State) -> Decision:
        delivery = availability_delivery(subject)
        refusal = Refusal(delivery, Reason.SALE_TAX_NOT_MAPPED, "no VAT rate in the settings")
        return Decision((delivery,)) if subject in mapped else Decision(refuse=(refusal,))

    return decide_mapped


@pytest.mark.claim("I10")
async def test_a_dead_letter_about_a_missing_setting_closes_after_a_start_with_that_setting(tmp_path: Path) -> None:
    async with open_bench(tmp_path, Handlers((), {}, refuse_unmapped(set()))) as bench:
        await bench.engine.set_fingerprint("without")
        await bench.touch("a", "b")
        assert len(await bench.dead_letters()) == 2
    async with open_bench(tmp_path, Handlers((), {}, refuse_unmapped({"a"})), caught_up=False) as again:
        await again.engine.set_fingerprint("with")
        await again.engine.finish_catch_up()
        assert [row.id for row in await again.due()] == ["availability:a"]
        assert [closed.how for closed in await again.closed_dead_letters()] == ["overtaken"]
        assert len(await again.dead_letters()) == 2


async def fail_replay(bench: Bench, command: str, refusal: Refused = NO) -> int:
    """Replay the dead letter of item a, which is refused again; returns the number of failed replays."""
    await bench.take(replay((await bench.dead_letters())[-1].dead_letter, command))
    await bench.settle((await bench.due())[0], refusal)
    return (await bench.dead_letters())[-1].replays


async def test_a_dead_letter_counts_its_replays_with_the_same_reason(bench: Bench) -> None:
    assert (await refuse_delivery(bench)).replays == 0
    assert [await fail_replay(bench, f"c{n}") for n in (1, 2)] == [1, 2]
    other = Refused(Reason.SHOP_PRODUCT_GONE, "gone")
    assert [await fail_replay(bench, "c3", other), await fail_replay(bench, "c4", other)] == [0, 1]


async def test_the_count_of_replays_restarts_with_another_state(bench: Bench) -> None:
    await refuse_delivery(bench)
    await fail_replay(bench, "c1")
    await bench.take(record(stock("a", 2), version=2))
    await bench.settle((await bench.due())[0], NO)
    assert (await bench.dead_letters())[-1].replays == 0


async def test_failed_replays_of_a_refusal_are_counted(scripted: Bench, script: Script) -> None:
    script.wanted["a"] = Decision(refuse=(Refusal(availability_delivery("a"), Reason.PRODUCT_NO_SKU, "no sku"),))
    await scripted.touch("a")
    for n in (1, 2):
        await scripted.take(replay((await scripted.dead_letters())[-1].dead_letter, f"c{n}"))
    assert [dead_letter.replays for dead_letter in await scripted.dead_letters()] == [0, 1, 2]


async def test_a_cause_that_comes_and_goes_is_one_dead_letter_with_a_count(scripted: Bench, script: Script) -> None:
    refused = Decision(refuse=(Refusal(availability_delivery("a"), Reason.PRODUCT_NO_SKU, "no sku"),))
    for wanted in (refused, Decision()) * 3:
        script.wanted["a"] = wanted
        await scripted.touch("a")
    opened = await scripted.dead_letters()
    assert len({dead_letter.dead_letter for dead_letter in opened}) == 1
    assert [dead_letter.returns for dead_letter in opened] == [0, 1, 2]
    history: dict[str, DeadLetter] = {}
    for event in [each for pair in zip(opened, await scripted.closed_dead_letters(), strict=True) for each in pair]:
        apply_dead_letter_event(history, event)
    [listed] = history.values()
    assert listed.since == opened[0].at
