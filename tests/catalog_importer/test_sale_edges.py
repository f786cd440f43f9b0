"""A sale over its whole life, by the clock: the product is written again in the second of each edge, and not before."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from contracts.model import Event
from services.catalog_importer.app import NAME
from services.catalog_importer.decide import SIBLING_WAIT, product_lane_name
from services.catalog_importer.handlers import handlers
from services.engine.outbox.engine import Engine
from services.engine.outbox.outcome import Done
from tests.catalog_importer.catalogue_bench import SALE, World, item, price, priced, settings, tbilisi, world
from tests.support.engine_bench import Clock, opened
from tests.support.memory_state import NOON

START, END = tbilisi(2026, 3, 6), tbilisi(2026, 3, 9)
SECOND = timedelta(seconds=1)
OFFER = priced("tea-100", price("14.75"), price("12", SALE, valid_from=START, valid_to=END))


@dataclass
class Shop:
    """A shop, and the importer's engine under one clock."""

    world: World
    engine: Engine
    clock: Clock

    async def reported(self, *events: Event) -> None:
        """Facts arrive, and are followed."""
        async with self.engine.work() as work:
            await work.announce((event, None) for event in events)
        self.clock.forward(seconds=SIBLING_WAIT.total_seconds())
        await self._deliver()

    async def at(self, moment: datetime) -> tuple[int, str, str]:
        """What the shop holds at a moment, once the engine has looked at what is due: writes, price, sale price."""
        self.clock.at = self.world.consumer.state.now = moment
        await self.engine.decide_due()
        await self._deliver()
        [product] = self.world.shop.products.values()
        return len(self.world.writes()), product["price"], product["sale_price"]

    async def _deliver(self) -> None:
        rows = await self.engine.claim(product_lane_name("main"), 100, ())
        outcomes = await self.world.deliver(rows)
        assert all(isinstance(outcome, Done) for outcome in outcomes)
        await self.engine.settle(list(zip(rows, outcomes, strict=True)))


@asynccontextmanager
async def selling(folder: Path) -> AsyncIterator[Shop]:
    """The tea, which costs 14.75, and 12 from one midnight in Tbilisi to another."""
    clock = Clock(NOON)
    async with world() as w, opened(NAME, handlers(settings()), folder, clock) as engine:
        shop = Shop(w, engine, clock)
        await shop.reported(item(), OFFER)
        yield shop


@pytest.mark.claim("S0.10")
async def test_the_product_is_written_in_the_second_of_each_edge_and_at_no_other_time(tmp_path: Path) -> None:
    async with selling(tmp_path) as shop:
        assert await shop.at(START - SECOND) == (1, "14.75", "12.00")
        assert await shop.at(START) == (2, "12.00", "12.00")
        assert await shop.at(START + SECOND) == (2, "12.00", "12.00")
        assert await shop.at(END - SECOND) == (2, "12.00", "12.00")
        assert await shop.at(END) == (3, "14.75", "")
        assert await shop.at(END + timedelta(days=30)) == (3, "14.75", "")


@pytest.mark.claim("S0.10")
async def test_a_service_stopped_during_the_whole_sale_writes_the_current_price_once(tmp_path: Path) -> None:
    async with selling(tmp_path) as shop:
        assert await shop.at(END + timedelta(days=1)) == (2, "14.75", "")


async def test_a_window_that_is_moved_has_its_new_edges(tmp_path: Path) -> None:
    async with selling(tmp_path) as shop:
        later = START + timedelta(days=1)
        await shop.reported(priced("tea-100", price("14.75"), price("12", SALE, valid_from=later, valid_to=END)))
        assert await shop.at(START) == (2, "14.75", "12.00")
        assert await shop.at(later) == (3, "12.00", "12.00")
