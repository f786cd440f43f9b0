"""Fills the books with a catalogue that matches the recorded shop, and records an importer must skip."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import chain
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from services.sandbox.balance import goods, stock_and_prices
from services.sandbox.balance.books import SandboxBooks
from services.sandbox.balance.goods import SampleItem
from services.sandbox.balance.record import make_uid

MAIN, VAKE, BATUMI = (make_uid("warehouse", name) for name in ("Main", "Vake", "Batumi"))
WAREHOUSES = {
    MAIN: ("Main", "თბილისი, ნიმუშის ქ. 1"),
    VAKE: ("Vake", "თბილისი, ვაკე, ნიმუშის ქ. 2"),
    BATUMI: ("Batumi", "ბათუმი, ნიმუშის ქ. 3"),
}
RETAIL_CLIENT = make_uid("client", "retail")


class CatalogueRequest(BaseModel):
    """How many items of which sort to make; `clear` empties the books first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    from_recorded: bool = Field(False, description="a good for every SKU of the recorded shop")
    extra: int = Field(0, ge=0, description="goods that the shop does not have")
    services: int = Field(0, ge=0, description="services: DELIVERY, FEE, ROUNDING first")
    unmapped: int = Field(0, ge=0, description="goods in folders for the company's own use")
    without_article: int = Field(0, ge=0, description="goods without InternalArticle")
    same_article: int = Field(0, ge=0, description="goods that share their article in pairs")
    lots: int = Field(0, ge=0, description="how many of the goods are kept by lots")
    generate: int = Field(0, ge=0, le=1_000_000, description="plain goods for load")
    clear: bool = True


STANDARD_CATALOGUE = CatalogueRequest(
    from_recorded=True, extra=30, services=12, unmapped=22, without_article=5, same_article=2, lots=3
)


def fill_catalogue(books: SandboxBooks, order: CatalogueRequest = STANDARD_CATALOGUE) -> dict[str, Any]:
    """Makes what is ordered; uids are the same in every run. Returns the `legend`."""
    if order.clear:
        books.clear()
    add_frame(books)
    made = list(requested_goods(order))
    add_items(books, made)
    add_prices(books, made)
    add_lots(books, [good for good in made if not good.service][: order.lots])
    add_generated(books, order.generate)
    return build_legend(books)


def requested_goods(order: CatalogueRequest) -> Iterator[SampleItem]:
    """The goods and services ordered, without the generated ones."""
    return chain(
        goods.recorded_shop_goods() if order.from_recorded else (),
        goods.invent_goods("extra", order.extra),
        goods.list_services(order.services),
        goods.invent_unmapped_goods(order.unmapped),
        goods.invent_goods("plain", order.without_article, articles=False),
        goods.invent_twins(order.same_article),
    )


def add_frame(books: SandboxBooks) -> None:
    """Warehouses, folders, discounts and the customer who buys when nobody gave a name."""
    for known, (name, address) in WAREHOUSES.items():
        books.warehouses[known] = {"uid": known, "Name": name, "Adress": address}
    for path in goods.ALL_FOLDERS:
        goods.add_group(books.items, path)
    retail = {"uid": RETAIL_CLIENT, "Name": "საცალო მყიდველი", "ID": "000000000", "LegalForm": "ფიზიკური პირი"}
    if RETAIL_CLIENT not in books.clients:
        books.clients.keep(RETAIL_CLIENT, retail)
    add_discount(books, "D-01", goods.CLOTHES, books.now() - timedelta(days=3), days=10)
    add_discount(books, "D-02", goods.PAPER, books.now() - timedelta(days=90), days=30)


def add_discount(books: SandboxBooks, code: str, group: str, start: datetime, days: int) -> None:
    """A discount of 10 % on a folder from a day on."""
    books.discounts[code] = {
        "Code": code,
        "Name": f"ფასდაკლება {code}",
        "IsActive": True,
        "StartDate": start.date(),
        "EndDate": (start + timedelta(days=days)).date(),
        "Percentage": Decimal(10),
        "Items": [{"Item": goods.group_uid(group)}],
        "DiscountCondition": "უპირობოდ",
        "Amount": "",
        "SpecialPrice": "",
        "Schedule": [],
        "Comments": "",
    }


def add_items(books: SandboxBooks, made: Iterable[SampleItem]) -> None:
    """The items; goods with stock in three warehouses, some of it reserved, one in nine without any."""
    for number, good in enumerate(made, start=1):
        books.items.put(good.uid, good.fields(f"{number:06}"))
        if not good.service and number % 9:
            add_stock(books, good, number)


def add_stock(books: SandboxBooks, good: SampleItem, number: int) -> None:
    """Stock that follows from the item's number; goods by weight have fractions."""
    part = Decimal("0.375") if good.unit else Decimal(0)
    books.stocks.put(good.uid, MAIN, Decimal(20 + number * 7 % 50) + part, Decimal(number % 4))
    books.stocks.put(good.uid, VAKE, Decimal(number * 3 % 20))
    books.stocks.put(good.uid, BATUMI, Decimal(number * 5 % 11), Decimal(number % 2))


def add_prices(books: SandboxBooks, made: list[SampleItem]) -> None:
    """Price documents: half a year ago a tenth lower for some, a month ago those that hold, and sale prices."""
    regular = [(good.uid, good.price) for good in made if good.price is not None]
    earlier = [(item, (price * 9 / 10).quantize(Decimal("0.01"))) for item, price in regular[:10]]
    sale = [(good.uid, good.sale_price) for good in made if good.sale_price is not None]
    now = books.now()
    books.prices.put(stock_and_prices.REGULAR, earlier, now - timedelta(days=180))
    books.prices.put(stock_and_prices.REGULAR, regular, now - timedelta(days=30))
    books.prices.put(stock_and_prices.SALE, sale, now - timedelta(days=30))


def add_lots(books: SandboxBooks, kept_by_lots: Iterable[SampleItem]) -> None:
    """Two lots in Main for each of these goods, one about to expire."""
    for good in kept_by_lots:
        for number, days in enumerate((20, 400), start=1):
            until = (books.now() + timedelta(days=days)).replace(hour=0, minute=0, second=0)
            lot = make_uid("series", f"{good.key}:{number}")
            name = f"{number:03} - {until:%d.%m.%Y}"
            books.series[lot] = {
                "uid": lot, "Item": good.uid, "Name": name, "ValidUntil": until, "SeriesNumber": f"{number:03}",
                "ExtCode": "", "AdditionalRequisites1": "",
            }  # fmt: skip
            books.stocks.put(good.uid, MAIN, Decimal(5 * number), series=lot)


def add_generated(books: SandboxBooks, count: int) -> None:
    """Plain goods with one price and stock in Main."""
    if count:
        goods.add_group(books.items, goods.GENERATED)
    listed: list[tuple[str, Decimal]] = []
    for number, good in enumerate(goods.generate_goods(count), start=1):
        known = good.uid
        books.items.put(known, good.fields(f"{1_000_000 + number}"))
        books.stocks.put(known, MAIN, Decimal(number % 100 + 1))
        listed.append((known, good.price or Decimal(1)))
    books.prices.put(stock_and_prices.REGULAR, listed, books.now())


def build_legend(books: SandboxBooks) -> dict[str, Any]:
    """The uids that settings of an integration need, by name."""
    return {
        "warehouses": {row["Name"]: known for known, row in books.warehouses.items()},
        "price_types": {"regular": stock_and_prices.REGULAR, "sale": stock_and_prices.SALE},
        "groups": {path: goods.group_uid(path) for path in goods.ALL_FOLDERS},
        "vat_rates": stock_and_prices.RATE_UIDS,
        "retail_client": RETAIL_CLIENT,
        "services": {good.article: good.uid for good in goods.list_services(3) if good.uid in books.items},
        "items": len(books.items),
    }
