"""The broker dies and comes back: messages are delayed, not lost."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from services.demo.kafka import ArchivesBroker, BrokerError, open_broker
from tests.end_to_end.outboxes import count_unpublished_events
from tests.end_to_end.system import ALL_SERVICES, SystemUnderTest, start_system
from tests.end_to_end.waiting import wait_until

pytestmark = [
    pytest.mark.xdist_group("broker"),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(300),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ArchivesBroker]:
    """A broker of this module's own, since it must die."""
    try:
        async with open_broker("archives", data=tmp_path_factory.mktemp("kafka")) as running:
            yield running
    except BrokerError as error:
        pytest.skip(f"needs a broker of its own: {error}")


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="system")
async def _system(node: ArchivesBroker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SystemUnderTest]:
    async with start_system(tmp_path_factory.mktemp("broker"), node.bootstrap_servers) as made:
        await made.programs.start("up", services=len(ALL_SERVICES))
        await made.wait_until_consistent()
        yield made


@pytest.mark.long
@pytest.mark.claim("S1.15")
async def test_orders_are_exported_after_the_broker_died(system: SystemUnderTest, node: ArchivesBroker) -> None:
    # given orders on their way, when the broker dies
    await system.place(*system.supply.orders(3))
    node.kill()
    # then webhooks are still accepted, and their events wait in the state database
    order_id, refund_ids = system.supply.refunded()
    await system.place(order_id, *system.supply.orders(3))
    await wait_until(lambda: _answered(system, order_id), "the shop's webhooks were answered with 200")
    await wait_until(lambda: _events_wait(system), "events wait for the broker")
    # and everything is in the books once it is back
    await node.start_again()
    await system.wait_until(
        lambda: f"main:{order_id}" in system.ledger.sales, "the Sale of the order that is given back"
    )
    await system.refund(order_id, *refund_ids)
    await system.wait_until_consistent()


@pytest.mark.long
@pytest.mark.claim("S1.15")
async def test_no_service_ends_when_the_broker_dies_repeatedly(system: SystemUnderTest, node: ArchivesBroker) -> None:
    up = system.programs["up"]
    for _ in range(3):
        # when the broker dies while orders are on their way, and comes back
        await system.place(system.supply.order())
        node.kill()
        await node.start_again()
        # then the process keeps running, and everything is in the books
        await system.wait_until_consistent()
        assert up.process.returncode is None, up.tail()
    assert up.logged("service failed and is started again") == []
    assert "Traceback" not in up.log.read_text()


@pytest.mark.long
async def test_services_stop_quickly_while_the_broker_is_away(system: SystemUnderTest, node: ArchivesBroker) -> None:
    up = system.programs["up"]
    node.kill()
    await system.place(system.supply.order())
    await wait_until(lambda: _events_wait(system), "events wait for the broker")
    begun = time.monotonic()
    (code,) = await system.programs.stop("up", timeout=40.0)
    print(f"stopped within {time.monotonic() - begun:.1f} s while Kafka was away")
    assert (code, "Traceback" in up.log.read_text()) == (0, False)
    await node.start_again()
    await system.programs.start("up", services=len(ALL_SERVICES))
    await system.wait_until_consistent()


async def _answered(system: SystemUnderTest, order_id: int) -> bool:
    sent = (await system.world.shop.get("/_sandbox/webhooks/sent")).json()
    answers = [one["status"] for one in sent if f'"id":{order_id},' in one["body"]]
    return bool(answers) and set(answers) == {200}


async def _events_wait(system: SystemUnderTest) -> bool:
    return count_unpublished_events(system.settings.state.directory) > 0
