"""Orders and refunds that cannot go yet: they wait for their cause to go away, and a person can help."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio

from contracts.operations import CommandSettled, ReplayRequested
from contracts.reasons import Reason
from services.cli.requests import command_header
from services.demo.kafka import Broker
from services.engine.client.commands import send_command
from services.engine.clock import utc_now
from services.sandbox.balance.goods import SampleItem, recorded_shop_goods
from services.sandbox.recorded import get_recording
from tests.end_to_end import journal
from tests.end_to_end.outboxes import Waiting
from tests.end_to_end.stage import ALL, Stage, stage
from tests.end_to_end.waiting import until

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.xdist_group("waiting"),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(300),
]
MISSING = "VAR-04-M"
"""An item that Balance does not have at first; order 311 asks for it."""
ORDER_OF_MISSING = 311


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="stage")
async def _stage(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with stage(tmp_path_factory.mktemp("waiting"), kafka.bootstrap_servers) as made:
        (await made.world.balance.delete(f"/_sandbox/items/{MISSING}")).raise_for_status()
        made.expected -= {MISSING}
        await made.programs.start("up", services=len(ALL))
        await made.closes()
        yield made


@pytest.mark.claim("I10")
async def test_an_order_waits_for_its_item_and_goes_by_itself_when_the_item_is_there(stage: Stage) -> None:
    # given an order for something that Balance does not have
    assert MISSING in {line["sku"] for line in get_recording(ORDER_OF_MISSING).order["line_items"]}
    await stage.place(stage.supply.take(ORDER_OF_MISSING))
    await _until_blocked(stage, f"sale:main:{ORDER_OF_MISSING}")
    assert not stage.ledger.open_dead_letters
    # when somebody enters the item in Balance, in a folder that the shop sells
    good = _good(MISSING)
    await stage.change(f"items/{good.uid}", **good.fields("M-1"))
    stage.expected |= {MISSING}
    assert (await stage.imported("items")).outcome == "done"
    # then the order goes by itself
    await stage.closes()
    assert f"main:{ORDER_OF_MISSING}" in stage.ledger.sales


def _good(article: str) -> SampleItem:
    return next(good for good in recorded_shop_goods() if good.article == article)


async def _until_blocked(stage: Stage, delivery: str) -> None:
    async def blocked() -> list[Waiting]:
        return [row for row in stage.rows() if row.id == delivery and row.state == "blocked"]

    await until(blocked, f"{delivery} waits for something")


async def test_a_refund_waits_for_the_sale_of_its_order(stage: Stage) -> None:
    # given orders whose Sales cannot be written, given back meanwhile: one in part, one whole (status `refunded`)
    given_back = [stage.supply.refunded() for _ in range(2)]
    async with journal.trouble(stage.world.balance, kind="outage", match="PUT .*/Sale$"):
        for order_id, refund_ids in given_back:
            await stage.place(order_id)
            await stage.refund(order_id, *refund_ids)
            await _until_blocked(stage, f"credit-note:main:{order_id}:{refund_ids[0]}")
        assert not stage.ledger.notes
    # then each credit note follows its Sale as soon as that can be written
    await stage.closes()
    for order_id, refund_ids in given_back:
        assert {f"main:{order_id}:credit-note:{refund_id}" for refund_id in refund_ids} <= stage.ledger.notes.keys()


@pytest.mark.claim("S1.18")
async def test_a_closed_period_asks_for_a_person_who_replays(stage: Stage) -> None:
    # given an order that Balance refuses because the month is closed
    order_id = stage.supply.order()
    async with _closed_period(stage):
        await stage.place(order_id)
        await stage.until(lambda: stage.ledger.open_dead_letters, "a dead letter")
    (letter,) = stage.ledger.open_dead_letters.values()
    assert (letter.reason, letter.about) == (Reason.BALANCE_PERIOD_CLOSED, f"sale:main:{order_id}")
    # when the accountant opens it and replays
    said = await stage.davtari("dead-letters", "replay", letter.dead_letter[:8])
    assert said.code == 0, said.err
    # then the order is in the books
    await stage.closes()
    assert f"main:{order_id}" in stage.ledger.sales
    # and replaying again does nothing
    puts = await journal.writes(stage.world.balance)
    again = await stage.davtari("dead-letters", "replay", letter.dead_letter[:8])
    assert (again.code, "nothing to do" in again.out) == (0, True)
    await stage.closes()
    assert await journal.writes(stage.world.balance) == puts


@pytest.mark.claim("S1.18", "K2")
async def test_two_people_replay_at_once(stage: Stage) -> None:
    # given a dead letter whose cause is gone
    order_id = stage.supply.order()
    async with _closed_period(stage):
        await stage.place(order_id)
        await stage.until(lambda: stage.ledger.open_dead_letters, "a dead letter")
    (letter,) = stage.ledger.open_dead_letters
    # when two people replay it at the same moment
    commands = [ReplayRequested(dead_letter=letter, **command_header()) for _ in range(2)]
    await asyncio.gather(*[send_command(stage.settings.kafka, command, utc_now()) for command in commands])
    # then both are answered, and there is one Sale
    await stage.until(lambda: len(_answers(stage, commands)) == 2, "both are answered")
    assert "done" in {answer.outcome for answer in _answers(stage, commands)}
    await stage.closes()
    assert f"main:{order_id}" in stage.ledger.sales


def _answers(stage: Stage, commands: list[ReplayRequested]) -> list[CommandSettled]:
    asked = {command.command_id for command in commands}
    said = [one.data for one in stage.ledger.story if isinstance(one.data, CommandSettled)]
    return [answer for answer in said if answer.command_id in asked]


@asynccontextmanager
async def _closed_period(stage: Stage) -> AsyncIterator[None]:
    await stage.change("lock-date", date="2099-01-01")
    try:
        yield
    finally:
        await stage.change("lock-date", date=None)
