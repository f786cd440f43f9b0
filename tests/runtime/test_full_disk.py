"""A really full disk under a running service is reported while it lasts, and the service recovers."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from contracts.alerts import ServiceStateChanged
from contracts.catalog import AvailabilityChanged
from contracts.reasons import Reason
from services.cli.status import troubled_services
from services.engine.runtime import conditions
from tests.kafka.topics import AVAILABILITY, OPERATIONS, Topics, eventually
from tests.outbox.fake_upstream import Upstream
from tests.outbox.sample_service import envelope, stock
from tests.runtime.running_service import run_service, wait_for_events

pytestmark = [pytest.mark.kafka, pytest.mark.claim("K32")]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk for the test; the test is skipped where none can be mounted."""
    point = tmp_path / "disk"
    point.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", point]
    mounted = subprocess.run(mount, capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("no disk can be mounted here")
    try:
        yield point
    finally:
        subprocess.run(["umount", "--lazy", point], check=True)


def fill(disk: Path) -> None:
    """Write until the disk is full."""
    with (disk / "filler").open("wb", buffering=0) as filler:
        try:
            while True:
                filler.write(b"x" * 4096)
        except OSError:
            return


async def test_a_full_disk_is_reported_while_it_lasts_and_nothing_is_lost(
    topics: Topics, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conditions, "INTERVAL", 0.2)
    monkeypatch.setattr(conditions, "CALM", timedelta(0))
    upstream = Upstream()
    async with run_service(topics, disk / "state", upstream):
        await topics.send(*[envelope(stock(f"i{n}")) for n in range(5)])
        await wait_for_events(topics, AvailabilityChanged, AVAILABILITY, 5)
        # when the disk is full and facts arrive
        fill(disk)
        await topics.send(*[envelope(stock(f"i{n}")) for n in range(5, 205)])

        # then the trouble is reported and the service still runs
        async def is_reported() -> bool:
            return bool(troubled_services(await topics.events(OPERATIONS)))

        await eventually(is_reported, "a report of the trouble")
        [trouble] = troubled_services(await topics.events(OPERATIONS))
        assert (trouble.reason, "full" in trouble.why) == (Reason.SERVICE_DISK, True)
        # when there is free space again
        (disk / "filler").unlink()
        # then every fact is delivered once, without a restart
        await wait_for_events(topics, AvailabilityChanged, AVAILABILITY, 205)
        await wait_for_events(topics, ServiceStateChanged, OPERATIONS, 1, lambda one: one.condition == "well")
    assert len(upstream.seen) == len({key for key, _ in upstream.seen}) == 205
    assert troubled_services(await topics.events(OPERATIONS)) == []
