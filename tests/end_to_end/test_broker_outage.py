"""The broker itself dies and comes back: a delay, and nothing else."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from services.demo.kafka import ArchivesBroker, BrokerError, open_broker
from tests.end_to_end.outboxes import unpublished
from tests.end_to_end.stage import ALL, Stage, stage
from tests.end_to_end.waiting import until

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


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="stage")
async def _stage(node: ArchivesBroker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with stage(tmp_path_factory.mktemp("broker"), node.bootstrap_servers) as made:
        await made.programs.start("up", services=len(ALL))
        await made.closes()
        yield made


@pytest.mark.long
@pytest.mark.claim("S1.15")
async def test_the_broker_dies_in_the_middle(stage: Stage, node: ArchivesBroker) -> None:
    # given orders on their way, when the broker dies
    await stage.place(*stage.supply.orders(3))
    node.kill()
    # then webhooks are taken all the same, and what they brought waits in the state database
    order_id, refund_ids = stage.supply.refunded()
    await stage.place(order_id, *stage.supply.orders(3))
    await until(lambda: _answered(stage, order_id), "the shop's webhooks were answered with 200")
    await until(lambda: _kept(stage), "events wait for the broker")
    # and everything comes into the books once it is back
    await node.start_again()
    await stage.until(lambda: f"main:{order_id}" in stage.ledger.sales, "the Sale of the order that is given back")
    await stage.refund(order_id, *refund_ids)
    await stage.closes()


@pytest.mark.long
@pytest.mark.claim("S1.15")
async def test_the_broker_dies_again_and_again_and_no_service_ends(stage: Stage, node: ArchivesBroker) -> None:
    up = stage.programs["up"]
    for _ in range(3):
        # when the broker dies while orders are on their way, and comes back
        await stage.place(stage.supply.order())
        node.kill()
        await node.start_again()
        # then the process goes on, and everything comes into the books
        await stage.closes()
        assert up.process.returncode is None, up.tail()
    assert up.heard("service failed and is started again") == []
    assert "Traceback" not in up.log.read_text()


@pytest.mark.long
async def test_stopping_while_the_broker_is_away_is_quick_and_clean(stage: Stage, node: ArchivesBroker) -> None:
    up = stage.programs["up"]
    node.kill()
    await stage.place(stage.supply.order())
    await until(lambda: _kept(stage), "events wait for the broker")
    begun = time.monotonic()
    (code,) = await stage.programs.stop("up", patience=40.0)
    print(f"stopped within {time.monotonic() - begun:.1f} s while Kafka was away")
    assert (code, "Traceback" in up.log.read_text()) == (0, False)
    await node.start_again()
    await stage.programs.start("up", services=len(ALL))
    await stage.closes()


async def _answered(stage: Stage, order_id: int) -> bool:
    sent = (await stage.world.shop.get("/_sandbox/webhooks/sent")).json()
    told = [one["status"] for one in sent if f'"id":{order_id},' in one["body"]]
    return bool(told) and set(told) == {200}


async def _kept(stage: Stage) -> bool:
    return unpublished(stage.settings.state.directory) > 0
