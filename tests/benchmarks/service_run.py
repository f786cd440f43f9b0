"""`python -m tests.benchmarks.service_run NAME URL BOOTSTRAP PREFIX FOLDER COUNT`: a service at its first start.

It reads all that stands in the topics, decides it, and makes the first COUNT of the deliveries that follow, to the shop
at URL. Prints JSON: its peak memory in MB, and the deliveries that wait for their turn.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlalchemy import func, select

from services.commands.registry import service
from services.shared.delivery.lane import Deliver
from services.shared.delivery.outcome import Done, Outcome
from services.shared.delivery.row import Row
from services.shared.running.service import Service
from services.shared.settings.model import KafkaSettings
from services.shared.state.tables import deliveries
from tests.benchmarks import goods
from tests.benchmarks.serving import on_kafka, serving

PATIENCE = 500.0


@dataclass
class Counted:
    """Deliveries, until so many are done."""

    deliver: Deliver
    wanted: int
    all: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, rows: Sequence[Row]) -> Sequence[Outcome]:
        outcomes = await self.deliver(rows)
        self.wanted -= sum(isinstance(outcome, Done) for outcome in outcomes)
        if self.wanted <= 0:
            self.all.set()
        return outcomes


async def run(name: str, url: str, bootstrap: str, prefix: str, folder: Path, count: int) -> None:
    """Run one service until it has done that much."""
    kafka = KafkaSettings(bootstrap_servers=bootstrap, topic_prefix=prefix)
    settings = on_kafka(goods.settings(folder, url), kafka, folder)
    async with service(name)(settings) as plan:
        [lane] = plan.lanes
        counted = Counted(lane.deliver, count)
        watched = replace(plan, lanes=[replace(lane, deliver=counted)])
        async with serving(watched, settings, PATIENCE) as running, asyncio.timeout(PATIENCE):
            await counted.all.wait()
            left = await waiting(running)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"peak_mb": peak, "waiting": left}))


async def waiting(service: Service) -> int:
    """The deliveries in the outbox."""
    assert service.running is not None
    async with service.running.engine.database.read() as connection:
        return int((await connection.execute(select(func.count()).select_from(deliveries))).scalar_one())


if __name__ == "__main__":
    name, url, bootstrap, prefix, folder, count = sys.argv[1:]
    asyncio.run(run(name, url, bootstrap, prefix, Path(folder), int(count)))
