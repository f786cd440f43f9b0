"""Stock figures against a WooCommerce that answers as the recorded one did."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from contracts.catalog import AvailabilityChanged
from contracts.reasons import Reason
from services.connectors.woocommerce.batch import Stored
from services.connectors.woocommerce.product import ProductWrite
from services.engine.outbox.outcome import Done, Outcome, Refused, Retry, Unknown
from services.sandbox.faults import InjectedFault
from services.stock_publisher.deliveries import StockDeliveries
from tests.stock_publisher.shop_scene import row, scene
from tests.support.memory_state import NOON

BATCH = "/wp-json/wc/v3/products/batch"


def refusal(outcome: Outcome) -> Refused:
    assert isinstance(outcome, Refused)
    return outcome


@pytest.mark.claim("I1")
async def test_a_figure_is_written_and_reported_with_its_explanation() -> None:
    async with scene() as s:
        there = s.product(manage_stock=True, stock_quantity=99, status="draft")
        [outcome] = await s.deliver([row(there, 7)])
        assert isinstance(outcome, Done)
        [published] = outcome.events
        assert isinstance(published, AvailabilityChanged)
        assert (published.mode, published.published_at, published.shop_moves) == ("live", NOON, 3)
        assert published.quantity == 7
        assert sum(line.quantity for line in published.explanation) == 7
        held = s.shop.products[there]
        assert (held["stock_quantity"], held["status"]) == (7, "draft")


@pytest.mark.claim("S3.57", "S3.53")
async def test_a_product_whose_stock_nobody_managed_is_managed_from_now_on() -> None:
    async with scene() as s:
        there = s.product()
        assert s.shop.products[there]["manage_stock"] is False
        assert isinstance((await s.deliver([row(there, 7)]))[0], Done)
        assert (s.shop.products[there]["manage_stock"], s.shop.products[there]["stock_quantity"]) == (True, 7)


@pytest.mark.claim("S0.18")
async def test_many_figures_leave_in_one_call() -> None:
    async with scene() as s:
        ids = [s.product(sku=f"S-{n}") for n in range(25)]
        outcomes = await s.deliver([row(product_id, n) for n, product_id in enumerate(ids)])
        assert all(isinstance(outcome, Done) for outcome in outcomes)
        assert [s.shop.products[product_id]["stock_quantity"] for product_id in ids] == list(range(25))
        assert s.writes() == [BATCH]


@pytest.mark.claim("K11")
async def test_variations_go_through_their_parents_and_only_their_quantity_is_touched() -> None:
    async with scene() as s:
        red, blue = s.product(type="variable"), s.product(type="variable")
        managed = s.variation(red, manage_stock=True, stock_quantity=1, attributes=[{"name": "c", "option": "red"}])
        unmanaged, other = s.variation(red), s.variation(blue, manage_stock=True)
        outcomes = await s.deliver([row(managed, 4, red), row(other, 6, blue), row(unmanaged, 5, red)])
        assert [type(outcome) for outcome in outcomes] == [Done, Done, Done]
        held = s.shop.variations
        assert [held[one]["stock_quantity"] for one in (managed, unmanaged, other)] == [4, 5, 6]
        assert held[managed]["attributes"][0]["option"] == "red"
        assert held[unmanaged]["manage_stock"] is True


@pytest.mark.claim("K11")
async def test_stock_that_the_parent_manages_is_not_taken_for_the_variations() -> None:
    async with scene() as s:
        parent = s.product(type="variable", manage_stock=True, stock_quantity=50)
        there = s.variation(parent)
        s.shop.variations[there]["manage_stock"] = "parent"
        reported = refusal((await s.deliver([row(there, 4, parent)]))[0])
        assert reported.reason == Reason.SHOP_STOCK_NOT_MANAGED
        assert f"variation {there} of product {parent}" in reported.detail
        assert s.shop.variations[there]["manage_stock"] == "parent"
        assert s.shop.products[parent]["stock_quantity"] == 50


@pytest.mark.claim("K13")
async def test_a_product_that_is_gone_stops_only_itself() -> None:
    async with scene() as s:
        there = s.product()
        first, second, third = await s.deliver([row(9999, 1), row(there, 2), row(8888, 3, 7777)])
        assert [refusal(one).reason for one in (first, third)] == [Reason.SHOP_PRODUCT_GONE] * 2
        assert "product 9999 with SKU SKU-9999" in refusal(first).detail
        assert isinstance(second, Done)


@pytest.mark.parametrize(
    ("echo", "reason", "words"),
    [
        (
            {"manage_stock": False, "stock_quantity": None, "type": "external"},
            Reason.SHOP_STOCK_NOT_MANAGED,
            "external",
        ),
        ({"manage_stock": True, "stock_quantity": 6}, Reason.SHOP_ECHO_DIFFERS, "sent 7, stored 6"),
        ({"manage_stock": True, "stock_quantity": None}, Reason.SHOP_ECHO_DIFFERS, "stored None"),
        ({}, Reason.SHOP_STOCK_NOT_MANAGED, "switch stock management on"),
    ],
)
async def test_an_echo_that_says_otherwise_is_believed(echo: dict[str, Any], reason: Reason, words: str) -> None:
    reported = refusal((await StockDeliveries(Echoing(echo), lambda: NOON)([row(311, 7)]))[0])
    assert (reported.reason, words in reported.detail, "product 311" in reported.detail) == (reason, True, True)


class Echoing:
    """A shop that answers every write with one echo."""

    def __init__(self, echo: dict[str, Any]) -> None:
        self.echo = echo

    async def update_products(self, writes: Sequence[ProductWrite]) -> list[Stored]:
        return [Stored(write.id or 0, {"id": write.id, **self.echo}) for write in writes]

    async def update_variations(self, parent_id: int, writes: Sequence[ProductWrite]) -> list[Stored]:
        return await self.update_products(writes)


@pytest.mark.claim("K16")
@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (InjectedFault(kind="status", match=".*", status=503, headers={"Retry-After": "7"}), Retry),
        (InjectedFault(kind="status", match=".*", status=429, headers={"Retry-After": "7"}), Retry),
        (InjectedFault(kind="status", match=".*", status=403, body="<html>firewall</html>"), Retry),
        (InjectedFault(kind="status", match=".*", status=500), Unknown),
    ],
)
async def test_a_failing_shop_delays_writes_and_loses_none(fault: InjectedFault, outcome: type[Outcome]) -> None:
    async with scene() as s:
        due = [row(s.product(), 7), row(s.product(), 8)]
        s.faults.add(fault)
        first = await s.deliver(due)
        assert [type(one) for one in first] == [outcome, outcome]
        s.faults.clear()
        assert [type(one) for one in await s.deliver(due)] == [Done, Done]
