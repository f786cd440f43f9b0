"""Fills the books: a catalogue that fits the recorded shop, with everything in it that an importer must leave alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import chain
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from services.sandbox.balance import goods, groups, prices, vat
from services.sandbox.balance.books import Books
from services.sandbox.balance.goods import Good
from services.sandbox.balance.record import uid

MAIN, VAKE, BATUMI = (uid("warehouse", name) for name in ("Main", "Vake", "Batumi"))
WAREHOUSES = {
    MAIN: ("Main", "თბილისი, ნიმუშის ქ. 1"),
    VAKE: ("Vake", "თბილისი, ვაკე, ნიმუშის ქ. 2"),
    BATUMI: ("Batumi", "ბათუმი, ნიმუშის ქ. 3"),
}
RETAIL_CLIENT = uid("client", "retail")


class CatalogueOrder(BaseModel):
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


STANDARD = CatalogueOrder(
    from_recorded=True, extra=30, services=12, unmapped=22, without_article=5, same_article=2, lots=3
)


def fill(books: Books, order: CatalogueOrder = STANDARD) -> dict[str, Any]:
    """Makes what is ordered; uids are the same in every run. Returns the `legend`."""
    if order.clear:
        books.clear()
    add_frame(books)
    made = list(ordered(order))
    add_items(books, made)
    add_prices(books, made)
    add_lots(books, [good for good in made if not good.service][: order.lots])
    add_generated(books, order.generate)
    return legend(books)


def ordered(order: CatalogueOrder) -> Iterator[Good]:
    """The goods and services ordered, without the generated ones."""
    return chain(
        goods.of_recorded_shop() if order.from_recorded else (),
        goods.made_up("extra", order.extra),
        goods.services(order.services),
        goods.unmapped(order.unmapped),
        goods.made_up("plain", order.without_article, articles=False),
        goods.with_one_article(order.same_article),
    )


def add_frame(books: Books) -> None:
    """Warehouses, folders, discounts and the customer who buys when nobody gave a name."""
    for known, (name, address) in WAREHOUSES.items():
        books.warehouses[known] = {"uid": known, "Name": name, "Adress": address}
    for path in groups.ALL:
        groups.add_group(books.items, path)
    retail = {"uid": RETAIL_CLIENT, "Name": "საცალო მყიდველი", "ID": "000000000", "LegalForm": "ფიზიკური პირი"}
    if RETAIL_CLIENT not in books.clients:
        books.clients.keep(RETAIL_CLIENT, retail)
    add_discount(books, "D-01", groups.CLOTHES, books.now() - timedelta(days=3), days=10)
    add_discount(books, "D-02", groups.PAPER, books.now() - timedelta(days=90), days=30)


def add_discount(books: Books, code: str, group: str, start: datetime, days: int) -> None:
    """A discount of 10 % on a folder from a day on."""
    books.discounts[code] = {
        "Code": code,
        "Name": f"ფასდაკლება {code}",
        "IsActive": True,
        "StartDate": start.date(),
        "EndDate": (start + timedelta(days=days)).date(),
        "Percentage": Decimal(10),
        "Items": [{"Item": groups.group_uid(group)}],
        "DiscountCondition": "უპირობოდ",
        "Amount": "",
        "SpecialPrice": "",
        "Schedule": [],
        "Comments": "",
    }


def add_items(books: Books, made: Iterable[Good]) -> None:
    """The items; goods with stock in three warehouses, some of it reserved, one in nine without any."""
    for number, good in enumerate(made, start=1):
        books.items.put(good.uid, good.fields(f"{number:06}"))
        if not good.service and number % 9:
            add_stock(books, good, number)


def add_stock(books: Books, good: Good, number: int) -> None:
    """Stock that follows from the item's number; goods by weight have fractions."""
    part = Decimal("0.375") if good.unit else Decimal(0)
    books.stocks.put(good.uid, MAIN, Decimal(20 + number * 7 % 50) + part, Decimal(number % 4))
    books.stocks.put(good.uid, VAKE, Decimal(number * 3 % 20))
    books.stocks.put(good.uid, BATUMI, Decimal(number * 5 % 11), Decimal(number % 2))


def add_prices(books: Books, made: list[Good]) -> None:
    """Price documents: half a year ago a tenth lower for some, a month ago those that hold, and sale prices."""
    regular = [(good.uid, good.price) for good in made if good.price is not None]
    earlier = [(item, (price * 9 / 10).quantize(Decimal("0.01"))) for item, price in regular[:10]]
    sale = [(good.uid, good.sale_price) for good in made if good.sale_price is not None]
    now = books.now()
    books.prices.put(prices.REGULAR, earlier, now - timedelta(days=180))
    books.prices.put(prices.REGULAR, regular, now - timedelta(days=30))
    books.prices.put(prices.SALE, sale, now - timedelta(days=30))


def add_lots(books: Books, kept_by_lots: Iterable[Good]) -> None:
    """Two lots in Main for each of these goods, one about to expire."""
    for good in kept_by_lots:
        for number, days in enumerate((20, 400), start=1):
            until = (books.now() + timedelta(days=days)).replace(hour=0, minute=0, second=0)
            lot = uid("series", f"{good.key}:{number}")
            name = f"{number:03} - {until:%d.%m.%Y}"
            books.series[lot] = {
                "uid": lot, "Item": good.uid, "Name": name, "ValidUntil": until, "SeriesNumber": f"{number:03}",
                "ExtCode": "", "AdditionalRequisites1": "",
            }  # fmt: skip
            books.stocks.put(good.uid, MAIN, Decimal(5 * number), series=lot)


def add_generated(books: Books, count: int) -> None:
    """Plain goods with one price and stock in Main."""
    if count:
        groups.add_group(books.items, groups.GENERATED)
    listed: list[tuple[str, Decimal]] = []
    for number, good in enumerate(goods.generated(count), start=1):
        known = good.uid
        books.items.put(known, good.fields(f"{1_000_000 + number}"))
        books.stocks.put(known, MAIN, Decimal(number % 100 + 1))
        listed.append((known, good.price or Decimal(1)))
    books.prices.put(prices.REGULAR, listed, books.now())


def legend(books: Books) -> dict[str, Any]:
    """The uids that settings of an integration need, by name."""
    return {
        "warehouses": {row["Name"]: known for known, row in books.warehouses.items()},
        "price_types": {"regular": prices.REGULAR, "sale": prices.SALE},
        "groups": {path: groups.group_uid(path) for path in groups.ALL},
        "vat_rates": vat.UIDS,
        "retail_client": RETAIL_CLIENT,
        "services": {good.article: good.uid for good in goods.services(3) if good.uid in books.items},
        "items": len(books.items),
    }
