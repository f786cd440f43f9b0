"""Two items with one SKU come out of two partitions, one a moment after the other: neither becomes a product."""

from __future__ import annotations

from pathlib import Path

from contracts.catalog import ProductPlanned
from contracts.model import Event
from contracts.reasons import Reason
from services.catalog_importer.app import NAME
from services.catalog_importer.decide import SIBLING_WAIT, product_lane_name
from services.catalog_importer.handlers import handlers
from services.engine.outbox.engine import Engine
from tests.catalog_importer.catalogue_bench import item, settings
from tests.support.engine_bench import Clock, Ledger, opened
from tests.support.memory_state import NOON


async def reported(engine: Engine, event: Event) -> None:
    async with engine.work() as work:
        await work.announce([(event, None)])


async def test_the_first_of_two_with_one_sku_is_not_looked_up_before_the_second_is_known(tmp_path: Path) -> None:
    clock = Clock(NOON)
    async with opened(NAME, handlers(settings()), tmp_path, clock) as engine:
        # given an item, whose SKU looks like its own
        await reported(engine, item(uid="tea-100", sku="TWIN"))
        assert await engine.claim(product_lane_name("main"), 10, ()) == []
        # when a second one with that SKU arrives within a moment
        await reported(engine, item(uid="tea-200", sku="TWIN"))
        clock.forward(seconds=SIBLING_WAIT.total_seconds())
        # then nothing is written for either, and both are reported by name
        assert await engine.claim(product_lane_name("main"), 10, ()) == []
        published = await Ledger(engine).news_of(ProductPlanned)
        assert {each.item: each.reason for each in published} == dict.fromkeys(
            ("tea-100", "tea-200"), Reason.PRODUCT_SKU_USED_TWICE
        )


async def test_an_item_of_its_own_is_looked_up_a_moment_later(tmp_path: Path) -> None:
    clock = Clock(NOON)
    async with opened(NAME, handlers(settings()), tmp_path, clock) as engine:
        await reported(engine, item(uid="tea-100"))
        clock.forward(seconds=SIBLING_WAIT.total_seconds())
        assert [row.key for row in await engine.claim(product_lane_name("main"), 10, ())] == ["main:tea-100"]
