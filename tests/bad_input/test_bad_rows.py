"""What Balance states and nobody can use: each row is shown with its item and cause, and the rest proceeds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from contracts.reasons import Reason
from services.sandbox.balance import goods
from services.sandbox.balance.catalogue import MAIN
from services.sandbox.balance.record import make_uid
from tests.bad_input.chain import Chain, Row, Spoil, chain, selling
from tests.balance_feed.feed_bench import FIRST, REGULAR, SALE, SECOND

SOUND = make_uid("item", "extra:2")
PLAIN = make_uid("item", "extra:3")
"""Kept without lots: one row in each warehouse."""
NOWHERE = make_uid("group", "nowhere")
USD = make_uid("currency", "USD")


def of(rows: list[Row], item: str = FIRST, **where: str) -> Row:
    """The row of an item."""
    return next(
        row
        for row in rows
        if (row.get("Item") or row["uid"]) == item and all(row[name] == wanted for name, wanted in where.items())
    )


def with_(field: str, value: Any, item: str = FIRST, **where: str) -> Spoil:
    """One field of an item's row reads otherwise."""

    def spoil(rows: list[Row]) -> None:
        of(rows, item, **where)[field] = value

    return spoil


def in_main(field: str, value: str) -> Spoil:
    """One field of the plain item's stock in the main warehouse reads otherwise."""
    return with_(field, value, PLAIN, Warehouse=MAIN)


def without(field: str) -> Spoil:
    """One field of the first item's row is not there."""

    def spoil(rows: list[Row]) -> None:
        del of(rows)[field]

    return spoil


def nameless(rows: list[Row]) -> None:
    """An item has neither a short name nor a long one."""
    of(rows).update({"Name": "", "FullName": ""})


def same_sku(rows: list[Row]) -> None:
    """Two items carry one SKU."""
    of(rows, FIRST)["InternalArticle"] = of(rows, SECOND)["InternalArticle"].lower()


def in_a_circle(rows: list[Row]) -> None:
    """The item's folder lies in a folder that lies in it."""
    one, other = make_uid("group", "one"), make_uid("group", "other")
    for known, above in ((one, other), (other, one)):
        rows.append({"uid": known, "IsGroup": "true", "Group": above, "Name": known})
    of(rows)["Group"] = one


def with_a_sale(price: str) -> Spoil:
    """The first item has a price of the sale type too."""

    def spoil(rows: list[Row]) -> None:
        rows.append(of(rows, PriceType=REGULAR) | {"PriceType": SALE, "Price": price})

    return spoil


@dataclass(frozen=True)
class Case:
    """An invalid row, and the expected report."""

    resource: str
    spoil: Spoil
    reason: Reason
    words: str
    about: str = FIRST


CASES = {
    "no SKU": Case("Items", with_("InternalArticle", ""), Reason.PRODUCT_NO_SKU, "has no SKU"),
    "blank SKU": Case("Items", with_("InternalArticle", "   "), Reason.PRODUCT_NO_SKU, "has no SKU"),
    "equal SKUs": Case("Items", same_sku, Reason.PRODUCT_SKU_USED_TWICE, f"item {SECOND}"),
    "cyclic groups": Case("Items", in_a_circle, Reason.PRODUCT_GROUP_NOT_MAPPED, make_uid("group", "one")),
    "a missing group": Case("Items", with_("Group", NOWHERE), Reason.PRODUCT_GROUP_NOT_MAPPED, f"group {NOWHERE}"),
    "no group": Case("Items", with_("Group", ""), Reason.PRODUCT_GROUP_NOT_MAPPED, "is in no group"),
    "no name": Case("Items", nameless, Reason.BALANCE_ROW_INVALID, "Name is empty"),
    "a weight in words": Case("Items", with_("Weight", "heavy"), Reason.BALANCE_ROW_INVALID, "Weight"),
    "no uid": Case("Items", with_("uid", ""), Reason.BALANCE_ROW_INVALID, "a row without uid", about="uid"),
    "a price in words": Case("Prices", with_("Price", "expensive"), Reason.BALANCE_ROW_INVALID, "Price"),
    "a price of two minds": Case("Prices", with_("Price", "1,234.50"), Reason.BALANCE_ROW_INVALID, '"1,234.50"'),
    "an empty price": Case("Prices", with_("Price", ""), Reason.BALANCE_ROW_INVALID, "Price is empty"),
    "a price without type": Case("Prices", without("PriceType"), Reason.BALANCE_ROW_INVALID, "PriceType"),
    "a negative price": Case("Prices", with_("Price", "-5"), Reason.PRODUCT_PRICE_INVALID, "-5 cannot be right"),
    "a price of millions": Case("Prices", with_("Price", "48600123"), Reason.PRODUCT_PRICE_INVALID, "cannot be right"),
    "a barcode as a price": Case("Prices", with_("Price", "4860012345678"), Reason.BALANCE_ROW_INVALID, "price"),
    "the wrong currency": Case("Prices", with_("Currency", USD), Reason.PRODUCT_PRICE_INVALID, f"currency {USD}"),
    "stock in words": Case("Stocks", with_("Quantity", "many"), Reason.BALANCE_ROW_INVALID, "Quantity"),
    "no quantity": Case("Stocks", with_("Quantity", ""), Reason.BALANCE_ROW_INVALID, "Quantity is empty"),
    "no warehouse": Case("Stocks", with_("Warehouse", ""), Reason.BALANCE_ROW_INVALID, "Warehouse is empty"),
    "an absurd quantity": Case(
        "Stocks", in_main("Quantity", "48600123"), Reason.STOCK_FIGURE_ABSURD, "cannot be right", PLAIN
    ),
    "a barcode as a quantity": Case(
        "Stocks", in_main("Quantity", "4860012345678"), Reason.BALANCE_ROW_INVALID, "quantity", PLAIN
    ),
}


async def is_sold(c: Chain, item: str = SOUND) -> bool:
    """Whether an item is in the shop with its price and its stock."""
    product = c.product(item)
    return product is not None and bool(product["regular_price"]) and (product["stock_quantity"] or 0) > 0


@pytest.mark.claim("K13")
@pytest.mark.parametrize("name", CASES)
async def test_an_invalid_row_is_reported_with_item_and_cause_and_the_rest_is_processed(
    name: str, tmp_path: Path
) -> None:
    case = CASES[name]
    async with chain(tmp_path) as c:
        await c.spoil(case.resource, case.spoil)
        await c.everything()
        reports = [one for one in c.shown if one.reason == case.reason and case.words in one.detail]
        assert reports, c.shown
        assert any(case.about in one.detail or sku(c) in one.detail for one in reports), reports
        assert await is_sold(c)
        # and once it is corrected, no report is left
        await c.everything()
        assert await is_sold(c, FIRST if case.about == "uid" else case.about)


def sku(c: Chain) -> str:
    """The first item's SKU as Balance has it."""
    return str((c.feed.books.items.get(FIRST) or {})["InternalArticle"])


# -- what looks bad and can be used


GOOD: dict[str, tuple[str, Spoil, Callable[[dict[str, Any]], bool]]] = {
    "a price with a space and a comma": (
        "Prices",
        with_("Price", "1 234,50"),
        lambda product: product["regular_price"] == "1234.50",
    ),
    "a price with a no-break space": (
        "Prices",
        with_("Price", "1\u00a0234,5"),
        lambda product: product["regular_price"] == "1234.50",
    ),
    "a sale above the price": ("Prices", with_a_sale("9999"), lambda product: product["sale_price"] == ""),
    "a sale for nothing": ("Prices", with_a_sale("0.01"), lambda product: product["sale_price"] == ""),
    "negative stock": (
        "Stocks",
        in_main("Quantity", "-7"),
        lambda product: product["stock_quantity"] == 0,
    ),
    "a negative reserve": (
        "Stocks",
        in_main("Reserve", "-1000"),
        lambda product: product["stock_quantity"] < 100,
    ),
    "more reserved than there is": (
        "Stocks",
        in_main("Reserve", "1000"),
        lambda product: product["stock_quantity"] == 0,
    ),
}


@pytest.mark.parametrize("name", GOOD)
async def test_readable_variants_are_read(name: str, tmp_path: Path) -> None:
    resource, spoil, good = GOOD[name]
    async with chain(tmp_path) as c:
        await c.spoil(resource, spoil)
        await c.everything()
        item = PLAIN if resource == "Stocks" else FIRST
        product = c.product(item)
        assert product is not None
        assert good(product), product
        assert not [one for one in c.shown if item in one.detail]


async def test_stock_of_an_unknown_item_changes_nothing(tmp_path: Path) -> None:
    async with chain(tmp_path) as c:
        stranger = make_uid("item", "stranger")
        await c.spoil("Stocks", lambda rows: [*rows, of(rows) | {"Item": stranger, "Quantity": "5"}])
        await c.everything()
        assert c.product(stranger) is None
        assert len(c.catalogue.shop.products) == len([one for one in c.publisher.state.records if one[0] == "link"])
        assert await is_sold(c)


async def test_stock_in_an_unused_warehouse_is_not_counted(tmp_path: Path) -> None:
    async with chain(tmp_path) as c:
        await c.spoil("Stocks", in_main("Warehouse", make_uid("warehouse", "moon")))
        await c.everything()
        product = c.product(PLAIN)
        assert product is not None
        assert product["stock_quantity"] == 0
        assert await is_sold(c)


async def test_an_unknown_warehouse_in_the_settings_publishes_nothing(tmp_path: Path) -> None:
    async with chain(tmp_path, selling(warehouses=["Moon"])) as c:
        await c.everything()
        blocked = [one.blocked for known in c.publisher.decisions.values() for one in known.deliveries]
        assert {one.reason for one in blocked if one} == {Reason.STOCK_WAREHOUSE_UNKNOWN}
        assert all(one and "'Moon'" in one.detail for one in blocked)
        assert c.product(SOUND) is not None


# -- snapshots


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "truncate", "keep": 900},
        {"kind": "status", "status": 200, "body": '[{"uid": "'},
        {"kind": "status", "status": 200, "body": "<html>Maintenance</html>"},
        {"kind": "status", "status": 502},
        {"kind": "reset"},
    ],
    ids=["broken off", "half a row", "a web page", "bad gateway", "reset"],
)
@pytest.mark.parametrize("resource", ["Items", "Prices", "Stocks"])
async def test_an_incomplete_snapshot_changes_nothing(fault: dict[str, Any], resource: str, tmp_path: Path) -> None:
    async with chain(tmp_path) as c:
        await c.everything()
        held = str(c.catalogue.shop.products)
        c.feed.trouble(match=f"GET .*/{resource}$", **fault)
        await c.everything()
        assert len(c.failures) == 1
        assert resource in c.failures[0].message
        assert str(c.catalogue.shop.products) == held


@pytest.mark.parametrize(("resource", "name"), [("Items", "items"), ("Prices", "prices"), ("Stocks", "stock")])
@pytest.mark.parametrize("left", [(), (FIRST,)], ids=["nothing", "one item"])
async def test_a_snapshot_without_most_of_its_rows_is_refused(
    resource: str, name: str, left: tuple[str, ...], tmp_path: Path
) -> None:
    async with chain(tmp_path) as c:
        await c.everything()
        held = str(c.catalogue.shop.products)
        c.shown.clear()
        await c.spoil(resource, lambda rows: [row for row in rows if (row.get("Item") or row["uid"]) in left])
        await c.everything()
        [report] = c.shown
        assert report.reason == Reason.BALANCE_SNAPSHOT_SHRANK
        assert f"davtari import {name} --accept-loss" in report.detail
        assert str(c.catalogue.shop.products) == held


async def test_a_page_that_is_missing_withdraws_nothing(tmp_path: Path) -> None:
    async with chain(tmp_path) as c, c.feed.under(paging=["Items"], page_size=4) as feed:
        c.feed = feed
        await c.everything()
        held, asked = str(c.catalogue.shop.products), feed.asked("Items")
        c.shown.clear()
        assert asked > 3
        feed.trouble("status", "GET .*/Items$", status=200, body="[]", times=1)
        await c.everything()
        assert [one.reason for one in c.shown] == [Reason.BALANCE_SNAPSHOT_SHRANK]
        assert str(c.catalogue.shop.products) == held


def test_every_folder_that_sells_is_in_the_settings() -> None:
    assert goods.group_uid(goods.DRINKS) in selling().shops["main"].catalogue.groups
