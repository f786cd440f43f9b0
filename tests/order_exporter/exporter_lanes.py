"""The lanes of the exporters, run on the real engine."""

from __future__ import annotations

from collections.abc import Mapping

from services.engine.outbox.lane import Deliver
from services.order_exporter import deliveries as order_deliveries
from services.settings.balance import Dialect
from tests.outbox.bench import Bench
from tests.support.fake_books import FakeBooks
from tests.support.memory_state import NOON


async def deliver_all(bench: Bench, lanes: Mapping[str, Deliver]) -> None:
    """Deliver until nothing is due."""
    busy = True
    while busy:
        busy = False
        for name, deliver in lanes.items():
            for row in await bench.engine.claim(name, 10, ()):
                [outcome] = await deliver([row])
                await bench.settle(row, outcome)
                busy = True


def order_lanes(books: FakeBooks) -> Mapping[str, Deliver]:
    return order_deliveries.deliveries(books, Dialect(), lambda: NOON)
