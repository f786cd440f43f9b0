"""What the sandbox's catalogue is made of: goods of a recorded shop, made-up goods, services."""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from services.sandbox import recorded
from services.sandbox.balance import groups, vat
from services.sandbox.balance.items import SERVICE
from services.sandbox.balance.record import Row, uid

ADJECTIVES = ("წითელი", "მწვანე", "ლურჯი", "თეთრი", "შავი", "დიდი", "პატარა", "ტკბილი", "მშრალი", "ახალი")
NOUNS = tuple(word for words in groups.WORDS.values() for word in words)
SERVICE_ARTICLES = ("DELIVERY", "FEE", "ROUNDING")
SERVICE_NAMES = ("მიწოდება", "საკომისიო", "დამრგვალება", "შეფუთვა", "მონტაჟი", "კონსულტაცია")


@dataclass(frozen=True, slots=True)
class Good:
    """One future item. `key` makes its uid; prices in GEL with VAT, None for none; `unit` as Balance writes it."""

    key: str
    article: str
    name: str
    group: str
    price: Decimal | None = None
    sale_price: Decimal | None = None
    vat_rate: str = vat.REGULAR
    unit: str = ""
    service: bool = False

    @property
    def uid(self) -> str:
        """The item's uid."""
        return uid("item", self.key)

    def fields(self, code: str) -> Row:
        """The item's own fields."""
        own: Row = {"Code": code, "Name": self.name, "InternalArticle": self.article}
        own |= {"Group": groups.group_uid(self.group), "VATRate": self.vat_rate}
        own |= {"ItemType": SERVICE} if self.service else {}
        return own | ({"Unit": self.unit} if self.unit else {})


@cache
def of_recorded_shop() -> tuple[Good, ...]:
    """A good for every SKU of the recorded shop: simple products and variations, not the parents of variations."""
    return tuple(recorded_goods())


def recorded_goods() -> Iterator[Good]:
    """Reads the recorded shop."""
    catalogue = recorded.catalogue()
    simple = [product for product in catalogue["products"] if product["type"] != "variable"]
    parents = {str(product["id"]): product["name"] for product in catalogue["products"]}
    yield from (recorded_good(product, product["name"]) for product in simple if product["sku"])
    for parent, variations in catalogue["variations"].items():
        yield from (recorded_good(each, f"{parents[parent]} {each['name']}") for each in variations if each["sku"])


def recorded_good(product: Row, name: str) -> Good:
    """The good behind one recorded product; the recorded shop has two tax classes."""
    rates = {"zero-rate": vat.ZERO_RATED}
    rate = vat.WITHOUT if product["tax_status"] == "none" else rates.get(product["tax_class"], vat.REGULAR)
    plain_name = html.unescape(name)
    sale = Decimal(product["sale_price"]) if product["sale_price"] else None
    price, group = Decimal(product["regular_price"]), groups.fitting(plain_name)
    return Good(f"sku:{product['sku']}", product["sku"], plain_name, group, price, sale, rate)


def made_up(kind: str, count: int, articles: bool = True) -> Iterator[Good]:
    """Goods that no shop has. Every seventh is sold by weight, every tenth has a name with traps in it."""
    for number in range(count):
        noun = NOUNS[number % len(NOUNS)]
        trap = ' "l\\m" &amp;  Co' if number % 10 == 9 else ""
        name = f"{ADJECTIVES[number % len(ADJECTIVES)]} {noun} {kind}-{number + 1}{trap}"
        article = f"{kind.upper()}-{number + 1:03}" if articles else ""
        price = Decimal(number * 317 % 9000 + 95) / 100
        unit = "კგ" if number % 7 == 6 else ""
        yield Good(f"{kind}:{number}", article, name, groups.fitting(noun), price, unit=unit)


def with_one_article(count: int) -> Iterator[Good]:
    """Goods that share an article in pairs: an importer must leave both alone."""
    for number, good in enumerate(made_up("twin", count)):
        yield Good(good.key, f"TWIN-{number // 2 + 1:03}", good.name, good.group, good.price)


def unmapped(count: int) -> Iterator[Good]:
    """Goods in folders for the company's own use."""
    for number, good in enumerate(made_up("internal", count)):
        yield Good(good.key, good.article, good.name, (groups.MATERIALS, groups.ASSETS)[number % 2], good.price)


def services(count: int) -> Iterator[Good]:
    """Services; the first three are what orders need: delivery, fee, rounding. Every fourth hides among the goods."""
    for number in range(count):
        article = SERVICE_ARTICLES[number] if number < len(SERVICE_ARTICLES) else f"SERVICE-{number + 1:03}"
        group = groups.HOME if number % 4 == 3 else groups.SERVICES
        name = SERVICE_NAMES[number % len(SERVICE_NAMES)]
        yield Good(f"service:{article}", article, name, group, Decimal(5 + number), service=True)


def generated(count: int) -> Iterator[Good]:
    """Any number of plain goods, for load."""
    for number in range(1, count + 1):
        yield Good(
            f"generated:{number}", f"GEN-{number:07}", f"საქონელი {number}", groups.GENERATED, Decimal(number % 500 + 1)
        )
