"""`python -m tests.benchmarks.service_run NAME URL BOOTSTRAP PREFIX FOLDER EVENTS`: a service at its first start.

It reads the EVENTS in the topics, decides, and makes the first of the deliveries that follow. The shop at
URL is only there to be looked at: writes are echoed at once. Prints JSON: the peak memory in MB when the service had
started, when it had read half, when it had read all, and at the end; and the deliveries that wait for their turn.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

from sqlalchemy import func, select

from services.catalog_importer import deliveries as products
from services.cli.registry import load_blueprint as service_of
from services.connectors.woocommerce.batch import ItemResult, Stored
from services.connectors.woocommerce.product import Product, ProductWrite
from services.engine.clock import utc_now
from services.engine.outbox.lane import Deliver, Row
from services.engine.outbox.outcome import Done, Outcome
from services.engine.runtime.service import Service
from services.engine.state.tables import deliveries
from services.settings.model import KafkaSettings, Settings
from services.stock_publisher import deliveries as stock
from tests.benchmarks import goods
from tests.benchmarks.serving import on_kafka
from tests.end_to_end.waiting import wait_until
from tests.support.secret import use_secret_of_tests

PATIENCE, FIRST = 170.0, 500


class EchoShop:
    """A shop that holds nothing yet, and stores whatever it is given as it is given."""

    def __init__(self) -> None:
        self._ids = count(1000)

    async def products_by_sku(self, skus: Iterable[str]) -> dict[str, tuple[Product, ...]]:
        return dict.fromkeys(skus, ())

    async def product(self, product_id: int) -> Product | None:
        return None

    async def image_ids(self, product_id: int) -> Sequence[int]:
        return ()

    async def create_products(self, writes: Sequence[ProductWrite]) -> list[ItemResult]:
        return [self._stored(next(self._ids), write) for write in writes]

    async def update_products(self, writes: Sequence[ProductWrite]) -> list[ItemResult]:
        return [self._stored(write.id or 0, write) for write in writes]

    async def update_variations(self, parent_id: int, writes: Sequence[ProductWrite]) -> list[ItemResult]:
        return await self.update_products(writes)

    def _stored(self, known: int, write: ProductWrite) -> ItemResult:
        return Stored(known, write.to_json() | {"id": known})


def delivering(name: str, settings: Settings) -> Deliver:
    """The deliveries of a service, to the shop that echoes."""
    if name == "stock-publisher":
        return stock.StockDeliveries(EchoShop(), utc_now, settings.shops["main"].batch_size)
    return products.ProductDeliveries(settings.shops["main"], EchoShop(), utc_now)


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


async def run(name: str, url: str, bootstrap: str, prefix: str, folder: Path, events: int) -> None:
    """Run one service until it has read and decided that much, and made its first deliveries."""
    kafka = KafkaSettings(bootstrap_servers=bootstrap, topic_prefix=prefix)
    settings = on_kafka(goods.settings(folder, url), kafka, folder)
    async with service_of(name)(settings) as plan:
        [lane] = plan.lanes
        counted = Counted(delivering(name, settings), FIRST)
        service = Service(replace(plan, lanes=[replace(lane, deliver=counted)]), settings)
        found = {"started_mb": peak()}
        async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as tasks:
            running = tasks.create_task(service.run())
            found["half_mb"] = await peak_at(service, events // 2)
            found["read_mb"] = await peak_at(service, events)
            await counted.all.wait()
            left = await waiting(service)
            running.cancel()
    print(json.dumps(found | {"peak_mb": peak(), "waiting": left}))


async def peak_at(service: Service, events: int) -> float:
    """The peak memory when so many events have been read."""

    async def read() -> bool:
        if service.running is None:
            return False
        return sum(one.next_offset for one in service.running.consumer.positions.values()) >= events

    await wait_until(read, f"{events} events read", PATIENCE)
    return peak()


def peak() -> float:
    """The peak memory so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def waiting(service: Service) -> int:
    """The deliveries in the outbox."""
    assert service.running is not None
    async with service.running.engine.database.read() as connection:
        return int((await connection.execute(select(func.count()).select_from(deliveries))).scalar_one())


if __name__ == "__main__":
    use_secret_of_tests()
    name, url, bootstrap, prefix, folder, events = sys.argv[1:]
    asyncio.run(run(name, url, bootstrap, prefix, Path(folder), int(events)))
