"""A disk that is really full, or really read-only, under a running service: said while it lasts, and recovered from."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contracts.alerts import ServiceStateChanged
from contracts.catalog import AvailabilityChanged
from contracts.reasons import Reason
from services.cli.status import troubled_services
from services.engine.runtime import conditions
from tests.kafka.topics import AVAILABILITY, OPERATIONS, Topics, eventually
from tests.outbox.shelf import envelope, stock
from tests.outbox.upstream import Upstream
from tests.runtime.house import running, until_said

pytestmark = [pytest.mark.kafka, pytest.mark.claim("K32")]
Trouble = Callable[[Path], None]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of the test's own, where one may be mounted."""
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
    """Write until nothing fits any more."""
    with (disk / "filler").open("wb", buffering=0) as filler:
        try:
            while True:
                filler.write(b"x" * 4096)
        except OSError:
            return


async def test_a_full_disk_is_said_while_it_lasts_and_nothing_is_lost(
    topics: Topics, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conditions, "INTERVAL", 0.2)
    upstream = Upstream()
    async with running(topics, disk / "state", upstream):
        await topics.send(*[envelope(stock(f"i{n}")) for n in range(5)])
        await until_said(topics, AvailabilityChanged, AVAILABILITY, 5)
        # when the disk is full, and facts come
        fill(disk)
        await topics.send(*[envelope(stock(f"i{n}")) for n in range(5, 205)])

        # then everybody can see it, and the service has not ended
        async def said() -> bool:
            return bool(troubled_services(await topics.events(OPERATIONS)))

        await eventually(said, "the trouble is said")
        [trouble] = troubled_services(await topics.events(OPERATIONS))
        assert (trouble.reason, "full" in trouble.why) == (Reason.SERVICE_DISK, True)
        # when there is room again
        (disk / "filler").unlink()
        # then everything takes effect, once, without a restart
        await until_said(topics, AvailabilityChanged, AVAILABILITY, 205)
        await until_said(topics, ServiceStateChanged, OPERATIONS, 1, lambda one: one.condition == "well")
    assert len(upstream.seen) == len({key for key, _ in upstream.seen}) == 205
    assert troubled_services(await topics.events(OPERATIONS)) == []
