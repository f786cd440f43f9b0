"""Health and lag of a whole service on the real broker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka.errors import KafkaConnectionError

from services.engine.runtime import process_monitor as telemetry
from services.engine.runtime.process_monitor import ProcessMonitor, create_app
from services.engine.runtime.service import Service
from services.engine.runtime.serving import CannotListen
from services.settings.model import TelemetrySettings
from tests.kafka.topics import AVAILABILITY, STOCK, Topics, eventually
from tests.outbox.fake_upstream import Upstream
from tests.outbox.sample_service import LANE, NAME, envelope, stock
from tests.runtime.running_service import wait_for_events
from tests.runtime.sample_process import blueprint, settings
from tests.telemetry.scrape import Scrape, scrape

pytestmark = pytest.mark.kafka
OTHER = "order-exporter"


@asynccontextmanager
async def run_monitored(
    topics: Topics, folder: Path, monitor: ProcessMonitor, upstream: Upstream
) -> AsyncIterator[Service]:
    """Run the sample service with a monitor; the context begins when it has caught up."""
    service = Service(blueprint(upstream.deliver), settings(topics.settings, folder))

    async def run() -> None:
        with monitor.watch_service(service):
            await service.run()

    task = asyncio.create_task(run())
    try:
        async with asyncio.timeout(20):
            await service.ready.wait()
        yield service
    finally:
        task.cancel()
        await asyncio.wait([task])


async def get_health(monitor: ProcessMonitor, path: str) -> tuple[int, Any]:
    """The status and body of a health request."""
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(monitor)), base_url="http://davtari"
    ) as client:
        answer = await client.get(path)
        return answer.status_code, answer.json()


async def scrape_metrics(monitor: ProcessMonitor) -> Scrape:
    """A scrape of the metrics."""
    return scrape(await monitor.readings())


async def test_a_service_is_ready_when_kafka_and_database_answer_and_it_has_caught_up(
    topics: Topics, tmp_path: Path
) -> None:
    monitor = ProcessMonitor([NAME, OTHER], patience=300)
    status, answer = await get_health(monitor, "/readyz")
    assert (status, answer["services"][NAME]["ready"]) == (503, False)
    async with run_monitored(topics, tmp_path, monitor, Upstream()) as service:
        _, answer = await get_health(monitor, "/readyz")
        assert answer["services"][NAME]["reasons"] == ["Kafka was not asked yet"]
        await monitor.refresh()
        status, answer = await get_health(monitor, "/readyz")
        assert answer["services"][NAME] == {"ready": True, "reasons": []}
        assert status == 503, "the other service of this process does not run"
        assert (await scrape_metrics(monitor))("davtari_service_ready", service=NAME) == 1
        service.ready.clear()
        _, answer = await get_health(monitor, "/readyz")
        assert answer["services"][NAME]["reasons"] == ["it is still catching up: 0 records to go"]
    status, answer = await get_health(monitor, "/readyz")
    assert answer["services"][NAME]["reasons"][0].startswith("it does not run")
    assert (await scrape_metrics(monitor))("davtari_service_ready", service=NAME) == 0


async def test_an_unreadable_database_is_reported_beside_the_other_checks(topics: Topics, tmp_path: Path) -> None:
    monitor = ProcessMonitor([NAME], patience=300)
    async with run_monitored(topics, tmp_path, monitor, Upstream()) as service:
        await monitor.refresh()
        assert service.running is not None
        whole = service.running.engine.database._engine
        service.running.engine.database._engine = None  # type: ignore[assignment]
        status, answer = await get_health(monitor, "/readyz")
        found = await scrape_metrics(monitor)
        service.running.engine.database._engine = whole
    assert status == 503
    assert answer["services"][NAME]["reasons"] == ["its state database does not answer: AttributeError"]
    assert found("davtari_collector_success", service=NAME) == 0
    assert found("davtari_consumer_lag_records", service=NAME, topic=STOCK) == 0


async def test_without_a_broker_a_service_is_live_but_not_ready(
    topics: Topics, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monitor = ProcessMonitor([NAME], patience=300)
    async with run_monitored(topics, tmp_path, monitor, Upstream()) as service:
        assert service.running is not None

        async def away(_: object) -> None:
            raise KafkaConnectionError("nobody there")

        monkeypatch.setattr(service.running.consumer.kafka, "end_offsets", away)
        await monitor.refresh()
        assert await get_health(monitor, "/readyz") == (
            503,
            {
                "ready": False,
                "services": {
                    NAME: {"ready": False, "reasons": ["Kafka does not answer: KafkaConnectionError"]},
                },
            },
        )
        assert (await get_health(monitor, "/livez"))[0] == 200


async def test_a_stalled_partition_makes_the_process_not_live(
    topics: Topics, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a service whose first batch after the start cannot be written
    monitor, upstream = ProcessMonitor([NAME], patience=0.2), Upstream()
    await topics.send(*[envelope(stock(f"i{n}")) for n in range(3)])
    async with run_monitored(topics, tmp_path, monitor, upstream) as service:
        assert service.running is not None
        shut = service.running.engine.database._writing
        await wait_for_events(topics, object, AVAILABILITY, 3)
        await eventually(lambda: lag_is(monitor, 0, AVAILABILITY), "its own events are read too")
        async with shut:
            await topics.send(*[envelope(stock(f"j{n}")) for n in range(7)])
            await eventually(lambda: lag_is(monitor, 7), "a lag of 7")
            await eventually(lambda: is_not_live(monitor), "the watchdog barks")
            status, answer = await get_health(monitor, "/livez")
            full = topics.settings.topic_prefix + STOCK
            assert (status, answer["live"]) == (503, False)
            [reason] = answer["services"][NAME]["reasons"]
            assert reason.startswith(f"{full}/0 is at 3 with 7 records to go, nothing was processed for")
            assert (await scrape_metrics(monitor))("davtari_consumer_stalled_partitions", service=NAME) == 1
        await eventually(lambda: lag_is(monitor, 0), "everything is processed")
        assert (await get_health(monitor, "/livez"))[0] == 200


async def lag_is(monitor: ProcessMonitor, records: int, topic: str = STOCK) -> bool:
    await monitor.refresh()
    return (await scrape_metrics(monitor))("davtari_consumer_lag_records", service=NAME, topic=topic) == records


async def is_not_live(monitor: ProcessMonitor) -> bool:
    await monitor.refresh()
    return not monitor.live().ok


async def test_the_lag_of_a_starting_service_counts_from_its_committed_offset(topics: Topics, tmp_path: Path) -> None:
    upstream = Upstream()
    await topics.send(*[envelope(stock(f"i{n}")) for n in range(5)])
    async with run_monitored(topics, tmp_path, ProcessMonitor([NAME], 300), upstream):
        await wait_for_events(topics, object, AVAILABILITY, 5)
    monitor = ProcessMonitor([NAME], 300)
    async with run_monitored(topics, tmp_path, monitor, upstream):
        assert await lag_is(monitor, 0)


async def test_an_open_breaker_is_shown_at_its_lane(topics: Topics, tmp_path: Path) -> None:
    monitor = ProcessMonitor([NAME], 300)
    async with run_monitored(topics, tmp_path, monitor, Upstream()) as service:
        service.relays[0].lane.breaker.failed(asyncio.get_running_loop().time(), "away", 60.0)
        found = await scrape_metrics(monitor)
    states = {
        state: found("davtari_breaker_state", service=NAME, lane=LANE, state=state)
        for state in ("closed", "half-open", "open")
    }
    assert states == {"closed": 0, "half-open": 0, "open": 1}


async def test_health_and_metrics_are_served_over_http(topics: Topics, tmp_path: Path, unused_tcp_port: int) -> None:
    monitor, served = ProcessMonitor([NAME], 300), TelemetrySettings(port=unused_tcp_port)
    serving = asyncio.create_task(telemetry.serve_telemetry(monitor, served, served.port_for([NAME])))
    async with run_monitored(topics, tmp_path, monitor, Upstream()), httpx.AsyncClient() as client:
        base = f"http://127.0.0.1:{unused_tcp_port}"

        async def ready() -> bool:
            return not serving.done() and (await client.get(f"{base}/readyz")).status_code == 200

        await eventually(ready, "ready over HTTP")
        live, metrics = await client.get(f"{base}/livez"), await client.get(f"{base}/metrics")
        with pytest.raises(ExceptionGroup) as refused:
            await telemetry.serve_telemetry(monitor, served, unused_tcp_port)
    serving.cancel()
    await asyncio.wait([serving])
    assert live.json()["services"]["process"] == {"live": True, "reasons": []}
    assert 'davtari_service_ready{service="sample-service"} 1.0' in metrics.text
    assert metrics.headers["content-type"].startswith("text/plain")
    assert refused.group_contains(CannotListen, match=r"set telemetry\.host and telemetry\.port")


async def test_without_a_port_no_server_runs() -> None:
    off = TelemetrySettings()
    async with asyncio.timeout(timedelta(seconds=1).total_seconds()):
        await telemetry.serve_telemetry(ProcessMonitor([NAME], 300), off, off.port_for([NAME]))
    assert off.port_for([NAME]) is None


def test_services_of_a_process_share_a_server_or_have_one_each() -> None:
    answer = TelemetrySettings(port=9464, ports={"store-feed": 9465})
    assert answer.port_for(["store-feed", "balance-feed"]) == 9464
    assert answer.port_for(["store-feed"]) == 9465
    assert answer.port_for(["balance-feed"]) == 9464
