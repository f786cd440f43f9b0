"""A purchase is reserved once, and one item once, however many orders and products of the shop refer to it."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.catalog import FurtherProduct
from contracts.model import Event
from contracts.shop import OrderChanged
from services.settings.model import Settings
from services.stock_publisher.handlers import handlers
from tests.stock_publisher.stock_bench import PRODUCT, given, line, link, order, publish, row, sale, settings, stock
from tests.stock_publisher.stock_bench import after as later
from tests.stock_publisher.stock_bench import figure as wanted
from tests.support.memory_state import NOON, Consumer

TRANSLATION, SKU, ENGLISH = 612, "TEA-100", FurtherProduct(product_id=612, sku="TEA-100")


def part(number: int, pieces: str, via: str = "dokan", **more: Any) -> OrderChanged:
    """A part of order 1."""
    return order(number, pieces, parent_id=1, created_via=via, **more)


def with_sub_orders(**roles: str) -> Settings:
    """Settings that say what orders with a parent are."""
    chosen = settings()
    rules = chosen.shops["main"]
    orders = rules.orders.model_copy(update={"sub_orders": roles})
    return chosen.model_copy(update={"shops": {"main": rules.model_copy(update={"orders": orders})}})


PURCHASES: list[tuple[str, dict[str, str], tuple[OrderChanged, ...], int]] = [
    ("a parent and its two parts", {}, (order(1, "4"), part(2, "1"), part(3, "3")), 6),
    ("the parts arrive before the parent", {}, (part(2, "1"), part(3, "3"), order(1, "4")), 6),
    ("parts by setting", {"dokan": "part-of-parent"}, (order(1, "4"), part(2, "1"), part(3, "3")), 6),
    ("a renewal by setting", {"dokan": "own-order"}, (order(1, "4"), part(2, "1")), 5),
    ("another origin by setting", {"subscription": "own-order"}, (order(1, "4"), part(2, "1")), 6),
    ("all the rest by setting", {"default": "own-order"}, (order(1, "4"), part(2, "1")), 5),
    ("the parent is cancelled", {}, (order(1, "4"), part(2, "4"), order(1, "4", "cancelled")), 10),
]


@pytest.mark.claim("K26")
@pytest.mark.parametrize(("_", "roles", "orders", "left"), PURCHASES, ids=[one[0] for one in PURCHASES])
def test_a_purchase_is_reserved_once(
    _: str, roles: dict[str, str], orders: tuple[OrderChanged, ...], left: int
) -> None:
    on = Consumer(handlers(with_sub_orders(**roles)))
    on.take(link(), stock(row("10")), *orders)
    assert wanted(on) == left


def test_a_setting_that_is_made_later_counts_for_orders_that_are_known() -> None:
    on = Consumer(handlers(with_sub_orders()))
    on.take(link(), stock(row("10")), order(1, "4"), part(2, "1"))
    assert wanted(on) == 6
    after = Consumer(handlers(with_sub_orders(dokan="own-order")), state=on.state)
    assert wanted(after) == 5


def bought(product: int, pieces: str, sku: str = SKU, number: int = 1, **more: Any) -> OrderChanged:
    """An order of so many pieces of a product with this SKU."""
    return order(number, pieces, lines=(line(product, pieces, sku=sku, **more),))


def other(sku: str = SKU) -> Event:
    """Another item's link."""
    return link(item="coffee", product_id=700, sku=sku)


LINES: list[tuple[str, tuple[Event, ...], int]] = [
    ("an unlinked translation with the item's SKU", (bought(TRANSLATION, "3"),), 7),
    ("letter case and blanks of the SKU", (bought(TRANSLATION, "3", " tea-100 "),), 7),
    ("a line whose product was deleted", (bought(0, "3"),), 7),
    ("a translation that is linked as a further product", (link(further=(ENGLISH,)), bought(TRANSLATION, "3", "")), 7),
    ("the original and its translation", (bought(PRODUCT, "2"), bought(TRANSLATION, "3", number=2)), 5),
    ("both in one order", (order(1, "1", lines=(line(PRODUCT, "2"), line(TRANSLATION, "3", sku=SKU))),), 5),
    ("another SKU", (bought(TRANSLATION, "3", "COFFEE"),), 10),
    ("no SKU", (bought(TRANSLATION, "3", ""),), 10),
    ("two items with one SKU", (other(), bought(TRANSLATION, "3")), 10),
    ("the product of another item", (other("COFFEE"), bought(700, "3")), 10),
    ("the other item lets go of the SKU", (other(), bought(TRANSLATION, "3"), other("COFFEE")), 7),
    ("a line with a negative amount", (bought(PRODUCT, "3", total=-5, subtotal=-5),), 10),
]


@pytest.mark.claim("K26")
@pytest.mark.parametrize(("_", "events", "left"), LINES, ids=[one[0] for one in LINES])
@pytest.mark.parametrize("link_last", [False, True], ids=["linked before", "linked after"])
def test_which_lines_take_an_item(_: str, events: tuple[Event, ...], left: int, link_last: bool) -> None:
    links = [event for event in (link(), *events) if not isinstance(event, OrderChanged)]
    orders = [event for event in events if isinstance(event, OrderChanged)]
    on = Consumer(handlers(settings()))
    on.take(stock(row("10")), *(orders + links if link_last else links + orders))
    assert wanted(on) == left


def test_an_item_sold_as_two_products_leaves_flight_with_its_sale_once() -> None:
    lines = (line(PRODUCT, "2"), line(TRANSLATION, "3", sku=SKU))
    on = given(order(1, "1", lines=lines), sale(1, "4", later(minutes=5)), stock(row("6"), at=later(minutes=6)))
    # of five pieces the Sale has taken four: one is still in flight
    assert wanted(on) == 5
    on.take(sale(1, "5", later(minutes=7)), stock(row("5"), at=later(minutes=8)))
    assert wanted(on) == 5


def test_a_movement_of_an_unlinked_translation_is_answered_by_a_write() -> None:
    """Multilingual plugins move the stock of all translations together."""
    on = given()
    publish(on)
    on.take(bought(TRANSLATION, "3"), stock(row("13"), at=later(minutes=1)))
    assert wanted(on) == 10


def test_the_figure_goes_to_every_product_of_an_item() -> None:
    on = given()
    publish(on)
    assert wanted(on) is None
    [delivery] = on.take(link(further=(ENGLISH,)))[f"main:{link().item}"].deliveries
    assert [one["product_id"] for one in delivery.payload["further"]] == [TRANSLATION]
    assert delivery.payload["switch_on"] == [TRANSLATION]
    published = publish(on)
    assert published is not None and published.further_products == (TRANSLATION,)
    assert wanted(on, NOON) is None
