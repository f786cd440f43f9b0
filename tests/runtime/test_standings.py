"""How things stand, as `davtari status` and the demonstration ask: from state databases and consumer groups."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.catalog import AvailabilityChanged
from services.cli.service_status import ServiceStatus, read_service_statuses
from tests.kafka.topics import AVAILABILITY, STOCK, Topics, eventually
from tests.outbox.shelf import envelope, stock
from tests.outbox.upstream import Upstream
from tests.runtime.house import running, until_said
from tests.runtime.toy import settings

pytestmark = pytest.mark.kafka
NAME = "stock-publisher"


async def of_the_publisher(topics: Topics, folder: Path) -> ServiceStatus:
    found = {one.service: one for one in await read_service_statuses(settings(topics.settings, folder))}
    return found[NAME]


async def test_before_any_service_has_run_nothing_is_known(topics: Topics, tmp_path: Path) -> None:
    assert await of_the_publisher(topics, tmp_path) == ServiceStatus(NAME)


async def test_the_lag_is_what_a_service_has_still_to_read(topics: Topics, tmp_path: Path) -> None:
    await topics.send(envelope(stock("i1"), version=1))

    async def has_read_all() -> bool:
        return (await of_the_publisher(topics, tmp_path)).lag == 0

    async with running(topics, tmp_path, Upstream(), name=NAME):
        await until_said(topics, AvailabilityChanged, AVAILABILITY, 1)
        await eventually(has_read_all, "nothing is left to read")
    await topics.send(*[envelope(stock(f"i{number}"), version=1) for number in (2, 3, 4)])

    assert (await of_the_publisher(topics, tmp_path)).lag == 3
    elsewhere = await of_the_publisher(topics, tmp_path / "another machine")
    assert elsewhere == ServiceStatus(NAME, lag=3), "what waits in a state that is not here is unknown, not none"
    assert elsewhere.is_elsewhere
    assert len(await topics.raw(STOCK)) == 4
