"""The story's view of services in containers: their health and metrics over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import respx

from services.demo.service_runner import ContainerServices
from services.settings import Settings, load
from tests.containers.composed import ROOT

NAMES = ("order-exporter", "store-feed")
IDLE = 'davtari_outbox_events_unpublished{service="store-feed"} 0.0\n'


@pytest.fixture
def settings() -> Settings:
    return load(Path(ROOT / "ops/kubernetes/settings.toml"), environ={})


@pytest.fixture
async def watched() -> AsyncIterator[ContainerServices]:
    async with httpx.AsyncClient() as client:
        yield ContainerServices("http://{service}:9464", NAMES, client)


@respx.mock
async def test_what_waits_is_added_up_over_lanes_and_states(watched: ContainerServices, settings: Settings) -> None:
    lanes = (
        'davtari_outbox_deliveries{service="order-exporter",lane="balance.documents",state="pending"} 4.0\n'
        'davtari_outbox_deliveries{service="order-exporter",lane="balance.clients",state="blocked"} 3.0\n'
    )
    respx.get("http://order-exporter:9464/metrics").respond(text=lanes)
    assert await watched.waiting(settings, "order-exporter") == 7


@respx.mock
@pytest.mark.parametrize(("unpublished", "busy"), [("1.0", True), ("0.0", False)])
async def test_one_event_that_kafka_does_not_have_is_enough_to_be_busy(
    watched: ContainerServices, settings: Settings, unpublished: str, busy: bool
) -> None:
    metrics = f'davtari_outbox_events_unpublished{{service="order-exporter"}} {unpublished}\n'
    respx.get("http://order-exporter:9464/metrics").respond(text=metrics)
    respx.get("http://store-feed:9464/metrics").respond(text=IDLE)
    assert await watched.busy(settings) is busy


@respx.mock
async def test_the_story_begins_when_every_service_says_that_it_is_ready(
    watched: ContainerServices, settings: Settings
) -> None:
    respx.get("http://order-exporter:9464/readyz").respond(200)
    late = respx.get("http://store-feed:9464/readyz")
    late.side_effect = [httpx.ConnectError("not there yet"), httpx.Response(503), httpx.Response(200)]
    await watched.start(settings)
    assert late.call_count == 3
