"""The status of services as `davtari status` and the demo read it: from state databases and consumer groups."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.catalog import AvailabilityChanged
from services.cli.service_status import ServiceStatus, read_service_statuses
from tests.kafka.topics import AVAILABILITY, STOCK, Topics, eventually
from tests.outbox.fake_upstream import Upstream
from tests.outbox.sample_service import envelope, stock
from tests.runtime.running_service import run_service, wait_for_events
from tests.runtime.sample_process import settings

pytestmark = pytest.mark.kafka
NAME = "stock-publisher"


async def publisher_status(topics: Topics, folder: Path) -> ServiceStatus:
    found = {one.service: one for one in await read_service_statuses(settings(topics.settings, folder))}
    return found[NAME]


async def test_the_status_is_unknown_before_a_service_has_run(topics: Topics, tmp_path: Path) -> None:
    assert await publisher_status(topics, tmp_path) == ServiceStatus(NAME)


async def test_the_lag_counts_the_records_still_to_read(topics: Topics, tmp_path: Path) -> None:
    await topics.send(envelope(stock("i1"), version=1))

    async def has_read_all() -> bool:
        return (await publisher_status(topics, tmp_path)).lag == 0

    async with run_service(topics, tmp_path, Upstream(), name=NAME):
        await wait_for_events(topics, AvailabilityChanged, AVAILABILITY, 1)
        await eventually(has_read_all, "everything read")
    await topics.send(*[envelope(stock(f"i{number}"), version=1) for number in (2, 3, 4)])

    assert (await publisher_status(topics, tmp_path)).lag == 3
    elsewhere = await publisher_status(topics, tmp_path / "another machine")
    assert elsewhere == ServiceStatus(NAME, lag=3), "deliveries in a state folder elsewhere are unknown, not none"
    assert elsewhere.is_elsewhere
    assert len(await topics.raw(STOCK)) == 4
