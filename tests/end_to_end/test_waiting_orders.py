"""Orders and refunds that cannot be exported yet wait for what they need, or for a person."""

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
from services.engine.client.commands import issue
from services.sandbox.balance.goods import SampleItem, recorded_shop_goods
from services.sandbox.recorded import get_recording
from tests.end_to_end import sandbox_requests
from tests.end_to_end.outboxes import WaitingDelivery
from tests.end_to_end.system import ALL_SERVICES, SystemUnderTest, start_system
from tests.end_to_end.waiting import wait_until

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.xdist_group("waiting"),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(300),
]
MISSING = "VAR-04-M"
"""An item that Balance does not have at first; order 311 contains it."""
ORDER_OF_MISSING = 311


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="system")
async def _system(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SystemUnderTest]:
    async with start_system(tmp_path_factory.mktemp("waiting"), kafka.bootstrap_servers) as made:
        (await made.world.balance.delete(f"/_sandbox/items/{MISSING}")).raise_for_status()
        made.expected -= {MISSING}
        await made.programs.start("up", services=len(ALL_SERVICES))
        await made.wait_until_consistent()
        yield made


@pytest.mark.claim("I10")
async def test_an_order_waits_for_its_item_and_is_exported_when_the_item_exists(system: SystemUnderTest) -> None:
    # given an order for an item that Balance does not have
    assert MISSING in {line["sku"] for line in get_recording(ORDER_OF_MISSING).order["line_items"]}
    await system.place(system.supply.take(ORDER_OF_MISSING))
    await _until_blocked(system, f"sale:main:{ORDER_OF_MISSING}")
    assert not system.ledger.open_dead_letters
    # when the item is created in Balance, in a group that the shop sells
    good = _good(MISSING)
    await system.change(f"items/{good.uid}", **good.fields("M-1"))
    system.expected |= {MISSING}
    assert (await system.import_now("items")).outcome == "done"
    # then the order is exported by itself
    await system.wait_until_consistent()
    assert f"main:{ORDER_OF_MISSING}" in system.ledger.sales


def _good(article: str) -> SampleItem:
    return next(good for good in recorded_shop_goods() if good.article == article)


async def _until_blocked(system: SystemUnderTest, delivery: str) -> None:
    async def blocked() -> list[WaitingDelivery]:
        return [row for row in system.list_waiting_deliveries() if row.id == delivery and row.state == "blocked"]

    await wait_until(blocked, f"{delivery} waits for something")


async def test_a_refund_waits_for_the_sale_of_its_order(system: SystemUnderTest) -> None:
    # given orders whose Sales cannot be written, refunded meanwhile: one partly, one fully (status `refunded`)
    given_back = [system.supply.refunded() for _ in range(2)]
    async with sandbox_requests.inject_fault(system.world.balance, kind="outage", match="PUT .*/Sale$"):
        for order_id, refund_ids in given_back:
            await system.place(order_id)
            await system.refund(order_id, *refund_ids)
            await _until_blocked(system, f"credit-note:main:{order_id}:{refund_ids[0]}")
        assert not system.ledger.notes
    # then each credit note is written after its Sale
    await system.wait_until_consistent()
    for order_id, refund_ids in given_back:
        assert {f"main:{order_id}:credit-note:{refund_id}" for refund_id in refund_ids} <= system.ledger.notes.keys()


@pytest.mark.claim("S1.18")
async def test_an_order_of_a_closed_period_is_replayed_after_it_was_opened(system: SystemUnderTest) -> None:
    # given an order that Balance refuses because the month is closed
    order_id = system.supply.order()
    async with _closed_period(system):
        await system.place(order_id)
        await system.wait_until(lambda: system.ledger.open_dead_letters, "a dead letter")
    (dead_letter,) = system.ledger.open_dead_letters.values()
    assert (dead_letter.reason, dead_letter.about) == (Reason.BALANCE_PERIOD_CLOSED, f"sale:main:{order_id}")
    # when the accountant opens it and replays
    result = await system.run_davtari("dead-letters", "replay", dead_letter.dead_letter[:8])
    assert result.code == 0, result.err
    # then the order is in the books
    await system.wait_until_consistent()
    assert f"main:{order_id}" in system.ledger.sales
    # and replaying again does nothing
    puts = await sandbox_requests.count_writes(system.world.balance)
    again = await system.run_davtari("dead-letters", "replay", dead_letter.dead_letter[:8])
    assert (again.code, "nothing to do" in again.out) == (0, True)
    await system.wait_until_consistent()
    assert await sandbox_requests.count_writes(system.world.balance) == puts


@pytest.mark.claim("S1.18", "K2")
async def test_two_simultaneous_replays_write_one_sale(system: SystemUnderTest) -> None:
    # given a dead letter whose cause is gone
    order_id = system.supply.order()
    async with _closed_period(system):
        await system.place(order_id)
        await system.wait_until(lambda: system.ledger.open_dead_letters, "a dead letter")
    (dead_letter,) = system.ledger.open_dead_letters
    # when two people replay it at the same moment
    commands = [ReplayRequested(dead_letter=dead_letter, **command_header()) for _ in range(2)]
    await asyncio.gather(*[issue(system.settings, command, asked_by="nino") for command in commands])
    # then both are answered, and there is one Sale
    await system.wait_until(lambda: len(_answers(system, commands)) == 2, "both are answered")
    assert "done" in {answer.outcome for answer in _answers(system, commands)}
    await system.wait_until_consistent()
    assert f"main:{order_id}" in system.ledger.sales


def _answers(system: SystemUnderTest, commands: list[ReplayRequested]) -> list[CommandSettled]:
    asked = {command.command_id for command in commands}
    settled = [one.data for one in system.ledger.story if isinstance(one.data, CommandSettled)]
    return [answer for answer in settled if answer.command_id in asked]


@asynccontextmanager
async def _closed_period(system: SystemUnderTest) -> AsyncIterator[None]:
    await system.change("lock-date", date="2099-01-01")
    try:
        yield
    finally:
        await system.change("lock-date", date=None)
