"""Kafka is unavailable at the start: webhooks are accepted, commands fail, and the services recover by themselves."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from services.demo.environment import ALL_LIVE
from services.demo.kafka import Broker
from tests.end_to_end.outboxes import count_stored_webhooks
from tests.end_to_end.port_forwarding import forward_port, free_port
from tests.end_to_end.system import ALL_SERVICES, NO_SCHEDULED_IMPORTS, SystemUnderTest, start_system
from tests.end_to_end.waiting import wait_until

pytestmark = [pytest.mark.kafka, pytest.mark.xdist_group("no-kafka"), pytest.mark.timeout(300)]
NO_ANSWER = 3


@pytest.mark.long
@pytest.mark.claim("S1.15")
async def test_services_start_while_kafka_is_unavailable(kafka: Broker, tmp_path: Path) -> None:
    port, health = free_port(), free_port()
    async with start_system(tmp_path, kafka.bootstrap_servers) as made:
        # given settings with the address of a Kafka that does not run yet
        away = {"kafka": {"bootstrap-servers": f"127.0.0.1:{port}"}, "telemetry": {"port": health}}
        made.world.write_settings(ALL_LIVE, **(NO_SCHEDULED_IMPORTS | away))
        # then a command that needs it fails with one clear line
        result = await made.run_davtari("status")
        assert (result.code, f"127.0.0.1:{port}" in result.err, "Traceback" in result.err) == (NO_ANSWER, True, False)
        # when the shop's webhooks are made from here, and the services start
        fixed = await made.run_davtari("check", "--fix")
        assert "webhook order.created created" in fixed.out
        up = made.programs.begin("up")
        await wait_until(lambda: _waits(made), "the services log that they wait for Kafka")
        # then the shop's webhook is accepted and stored
        order_id = made.supply.order()
        await made.place(order_id)
        await wait_until(lambda: _kept(made), "the webhook is in the inbox")
        async with httpx.AsyncClient() as client:
            ready = await client.get(f"http://127.0.0.1:{health}/readyz")
        assert (ready.status_code, f"127.0.0.1:{port}" in ready.text) == (503, True)
        assert "Traceback" not in up.tail()
        # and the order is in the books once Kafka is available
        async with forward_port(port, kafka.bootstrap_servers):
            await up.ready(len(ALL_SERVICES))
            await made.wait_until(lambda: f"main:{order_id}" in made.ledger.sales, "the Sale")
            await made.wait_until_consistent()


async def _waits(made: SystemUnderTest) -> bool:
    return len(made.programs["up"].logged("waiting for Kafka")) >= len(ALL_SERVICES)


async def _kept(made: SystemUnderTest) -> bool:
    return count_stored_webhooks(made.settings.state.directory) > 0
