"""The plain run: both directions, six processes, real Kafka, and nobody needs to do anything."""

from __future__ import annotations

import pytest
import pytest_asyncio

from services.shared.broker import Broker
from tests.end_to_end.stage import ALL, Stage, stage

pytestmark = [pytest.mark.kafka, pytest.mark.xdist_group("plain"), pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="stage")
async def _stage(kafka: Broker, tmp_path_factory: pytest.TempPathFactory):
    async with stage(tmp_path_factory.mktemp("plain"), kafka.bootstrap_servers) as made:
        await made.programs.start(*ALL)
        yield made


async def test_both_directions(stage: Stage) -> None:
    await stage.place(*stage.till.orders(4))
    await stage.closes()
