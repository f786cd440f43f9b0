"""Kafka is away when Davtari starts: webhooks are taken all the same, commands give up, and all goes on by itself."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from services.demo.environment import ALL_LIVE
from services.demo.kafka import Broker
from tests.end_to_end.forwarding import forwarding, free_port
from tests.end_to_end.outboxes import webhooks_kept
from tests.end_to_end.stage import ALL, QUIET, Stage, stage
from tests.end_to_end.waiting import until

pytestmark = [pytest.mark.kafka, pytest.mark.xdist_group("no-kafka"), pytest.mark.timeout(300)]
NO_ANSWER = 3


@pytest.mark.long
@pytest.mark.claim("S1.15")
async def test_kafka_is_away_at_the_start(kafka: Broker, tmp_path: Path) -> None:
    port, health = free_port(), free_port()
    async with stage(tmp_path, kafka.bootstrap_servers) as made:
        # given settings that name a Kafka which is not there yet
        away = {"kafka": {"bootstrap-servers": f"127.0.0.1:{port}"}, "telemetry": {"port": health}}
        made.world.write_settings(ALL_LIVE, **(QUIET | away))
        # when a command needs it, it gives up with one clear line
        said = await made.davtari("status")
        assert (said.code, f"127.0.0.1:{port}" in said.err, "Traceback" in said.err) == (NO_ANSWER, True, False)
        # when the shop's webhooks are made from here, and the services start
        fixed = await made.davtari("check", "--fix")
        assert "webhook order.created created" in fixed.out
        up = made.programs.begin("up")
        await until(lambda: _waits(made), "the services say that they wait for Kafka")
        # then what the shop tells is taken, and kept
        order_id = made.supply.order()
        await made.place(order_id)
        await until(lambda: _kept(made), "the webhook is in the inbox")
        async with httpx.AsyncClient() as client:
            ready = await client.get(f"http://127.0.0.1:{health}/readyz")
        assert (ready.status_code, f"127.0.0.1:{port}" in ready.text) == (503, True)
        assert "Traceback" not in up.tail()
        # and it comes into the books when Kafka is there
        async with forwarding(port, kafka.bootstrap_servers):
            await up.ready(len(ALL))
            await made.until(lambda: f"main:{order_id}" in made.ledger.sales, "the Sale")
            await made.closes()


async def _waits(made: Stage) -> bool:
    return len(made.programs["up"].heard("waiting for Kafka")) >= len(ALL)


async def _kept(made: Stage) -> bool:
    return webhooks_kept(made.settings.state.directory) > 0
