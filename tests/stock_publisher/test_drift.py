"""A stock figure edited in the shop is found, reported, and corrected if configured; an order never causes this."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from contracts.alerts import FeedStateChanged
from contracts.catalog import FurtherProduct
from contracts.reasons import Reason
from services.connectors.woocommerce.order import order_changed
from services.engine.outbox.outcome import Refused
from services.engine.telemetry.metrics import REGISTRY
from services.sandbox.woocommerce.orders import Orders
from services.sandbox.woocommerce.products import Products
from services.stock_publisher.decide import stock_lane_name
from tests.stock_publisher.drift_bench import DriftBench, open_drift_bench
from tests.stock_publisher.stock_bench import ITEM, link, row, stock


@pytest.mark.claim("S3.15")
@pytest.mark.parametrize(("policy", "after"), [("announce", 25), ("correct", 10)])
async def test_a_figure_edited_by_hand_is_published_and_put_right_by_policy(
    tmp_path: Path, policy: str, after: int
) -> None:
    async with open_drift_bench(tmp_path, drift=policy) as on:
        on.edited(25)
        [drift] = await on.looked()
        assert (drift.item, drift.ours, drift.theirs, drift.policy) == (
            ITEM,
            Decimal(10),
            Decimal(25),
            policy,
        )
        assert on.held() == after
        # and it is reported once, even when the product is saved again for another reason
        Products(on.shop).update(on.product, {"name": "Best tea"}, strict=False)
        assert await on.looked() == []


@pytest.mark.claim("S3.15")
async def test_what_an_order_has_moved_is_no_drift(tmp_path: Path) -> None:
    async with open_drift_bench(tmp_path, drift="correct") as on:
        on.clock.forward(minutes=1)
        line = {"product_id": on.product, "quantity": 3, "subtotal": "9.00", "total": "9.00"}
        order = Orders(on.shop).create({"status": "processing", "line_items": [line]}, strict=False)
        assert on.held() == 7
        # not read yet: too young to count
        assert await on.looked(minutes=5) == []
        # read in the meantime: the movement is explained
        await on.take(order_changed("main", Orders(on.shop).read(order["id"]), personal_id_keys=(), company_id_keys=()))
        assert await on.looked() == []
        assert on.held() == 7


async def test_an_order_whose_answer_was_refused_is_no_drift_either(tmp_path: Path) -> None:
    async with open_drift_bench(tmp_path, drift="correct") as on:
        line = {"product_id": on.product, "quantity": 3, "subtotal": "9.00", "total": "9.00"}
        order = Orders(on.shop).create({"status": "processing", "line_items": [line]}, strict=False)
        read = order_changed("main", Orders(on.shop).read(order["id"]), personal_id_keys=(), company_id_keys=())
        async with on.engine.work() as work:
            await work.announce([(read, None)])
        [waiting] = await on.engine.claim(stock_lane_name("main"), 10, ())
        await on.engine.settle([(waiting, Refused(Reason.SHOP_REFUSED, "a plugin refused it"))])
        assert await on.looked() == []


async def test_while_the_orders_are_not_read_nothing_counts_as_drift(tmp_path: Path) -> None:
    async with open_drift_bench(tmp_path, drift="correct") as on:
        on.edited(8)
        stale = {"feed": "orders:main", "service": "store-feed", "complete_at": None, "at": on.clock.at}
        await on.take(FeedStateChanged.model_validate({**stale, "freshness": "stale"}))
        assert await on.looked() == []
        await on.take(FeedStateChanged.model_validate({**stale, "freshness": "fresh"}))
        assert [one.theirs for one in await on.looked()] == [Decimal(8)]


async def test_a_quiet_shop_costs_one_request_a_look(tmp_path: Path) -> None:
    async with open_drift_bench(tmp_path) as on:
        assert await on.looked() == []
        on.asked.clear()
        assert await on.looked() == []
        assert len(on.asked) == 1


def measured() -> tuple[float, float]:
    """Count and sum of the freshness of stock so far."""
    name, labels = "davtari_stock_freshness_seconds", {"shop": "main"}
    count, total = (REGISTRY.get_sample_value(f"{name}_{part}", labels) for part in ("count", "sum"))
    return count or 0.0, total or 0.0


@pytest.mark.claim("S3.14")
async def test_the_freshness_of_each_item_is_measured_from_the_reading_to_the_shop(tmp_path: Path) -> None:
    async with open_drift_bench(tmp_path) as on:
        count, seconds = measured()
        # when: Balance is read, and the shop has the figure 40 seconds later
        read_at = on.clock.at
        on.clock.forward(seconds=40)
        await on.take(stock(row("14"), at=read_at + timedelta(seconds=0.001)))
        assert on.held() == 14
        after = measured()
        assert (after[0] - count, round(after[1] - seconds)) == (1, 40)
        # and: a write that only answers a movement of the shop says nothing of how fresh Balance's news are
        line = {"product_id": on.product, "quantity": 3, "subtotal": "9.00", "total": "9.00"}
        order = Orders(on.shop).create({"status": "processing", "line_items": [line]}, strict=False)
        await on.take(order_changed("main", Orders(on.shop).read(order["id"]), personal_id_keys=(), company_id_keys=()))
        assert on.held() == 11
        assert measured()[0] == after[0]


def switched(on: DriftBench, *, manage: bool) -> None:
    """Somebody unticks, or ticks, "Manage stock"."""
    on.clock.forward(minutes=1)
    body = {"manage_stock": True, "stock_quantity": 3} if manage else {"manage_stock": False}
    Products(on.shop).update(on.product, body, strict=False)


@pytest.mark.claim("S3.15")
@pytest.mark.parametrize(("manage", "policy", "managed"), [("owner", "announce", False), ("davtari", "correct", True)])
async def test_stock_management_that_was_switched_off_is_published_once(
    tmp_path: Path, manage: str, policy: str, managed: bool
) -> None:
    async with open_drift_bench(tmp_path, manage=manage) as on:
        switched(on, manage=False)
        [published] = await on.looked()
        assert (published.managed, published.policy, published.ours) == (False, policy, Decimal(10))
        assert on.shop.products[on.product]["manage_stock"] is managed
        Products(on.shop).update(on.product, {"name": "Best tea"}, strict=False)
        assert await on.looked() == []


async def test_our_figure_is_written_once_stock_is_managed_again(tmp_path: Path) -> None:
    async with open_drift_bench(tmp_path) as on:
        switched(on, manage=False)
        await on.take(stock(row("8"), at=on.clock.at))
        assert await on.looked() == []  # known from the answer to that figure
        switched(on, manage=True)
        [published] = await on.looked()
        assert (published.theirs, published.policy, on.held()) == (Decimal(3), "correct", 8)


async def test_a_further_product_of_an_item_is_watched_too(tmp_path: Path) -> None:
    async with open_drift_bench(tmp_path) as on:
        english = int(Products(on.shop).create({"name": "Tea EN", "sku": "TEA-EN"}, strict=False)["id"])
        await on.take(link(product_id=on.product, further=(FurtherProduct(product_id=english, sku="TEA-EN"),)))
        on.clock.forward(minutes=1)
        Products(on.shop).update(english, {"stock_quantity": 25}, strict=False)
        assert [(one.product_id, one.theirs) for one in await on.looked()] == [(english, Decimal(25))]
