"""The sample items of the catalogue: goods of the recorded shop, invented goods, services, and their folders."""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from services.sandbox import recorded
from services.sandbox.balance import stock_and_prices
from services.sandbox.balance.items import SERVICE, SandboxItems
from services.sandbox.balance.record import ZERO, Row, make_uid

GOODS = "საქონელი"
DRINKS = "საქონელი/სასმელი"
FOOD = "საქონელი/საკვები"
HOME = "საქონელი/სახლი"
PAPER = "საქონელი/კანცელარია"
CLOTHES = "საქონელი/ტანსაცმელი"
SERVICE_FOLDER = "მომსახურება"
INTERNAL = "შიდა მოხმარება"
MATERIALS = "შიდა მოხმარება/ნედლეული"
ASSETS = "შიდა მოხმარება/ძირითადი საშუალებები"
GENERATED = "დიდი კატალოგი"
ALL_FOLDERS = (GOODS, DRINKS, FOOD, HOME, PAPER, CLOTHES, SERVICE_FOLDER, INTERNAL, MATERIALS, ASSETS)

FOLDER_WORDS = {
    DRINKS: ("ყავა", "ჩაი"),
    FOOD: ("პური", "ყველი", "თაფლი"),
    HOME: ("მაგიდა", "სკამი", "ფინჯანი", "სანთელი", "საათი", "საპონი"),
    PAPER: ("რვეული", "წიგნი", "კალამი"),
    CLOTHES: ("ქუდი", "ჩანთა"),
}


def group_uid(path: str) -> str:
    """The uid of the folder at a path such as "საქონელი/სასმელი"; the zero uid for the root ""."""
    return make_uid("group", path) if path else ZERO


def add_group(items: SandboxItems, path: str) -> None:
    """Adds one folder under its parent."""
    parent, _, name = path.rpartition("/")
    fields = {"Name": name, "IsGroup": True, "Group": group_uid(parent), "Code": f"G-{len(items) + 1:03}"}
    items.put(group_uid(path), fields)


def find_folder(name: str) -> str:
    """The folder for goods of this name."""
    return next(matching_folders(name), GOODS)


def matching_folders(name: str) -> Iterator[str]:
    """The folders with a word of the name."""
    return (path for path, words in FOLDER_WORDS.items() if any(word in name for word in words))


ADJECTIVES = ("წითელი", "მწვანე", "ლურჯი", "თეთრი", "შავი", "დიდი", "პატარა", "ტკბილი", "მშრალი", "ახალი")
NOUNS = tuple(word for words in FOLDER_WORDS.values() for word in words)
SERVICE_ARTICLES = ("DELIVERY", "FEE", "ROUNDING")
SERVICE_NAMES = ("მიწოდება", "საკომისიო", "დამრგვალება", "შეფუთვა", "მონტაჟი", "კონსულტაცია")


@dataclass(frozen=True, slots=True)
class SampleItem:
    """One future item. `key` makes its uid; prices in GEL with VAT, None for none; `unit` as Balance writes it."""

    key: str
    article: str
    name: str
    group: str
    price: Decimal | None = None
    sale_price: Decimal | None = None
    vat_rate: str = stock_and_prices.REGULAR_RATE
    unit: str = ""
    service: bool = False

    @property
    def uid(self) -> str:
        """The item's uid."""
        return make_uid("item", self.key)

    def fields(self, code: str) -> Row:
        """The item's own fields."""
        own: Row = {"Code": code, "Name": self.name, "InternalArticle": self.article}
        own |= {"Group": group_uid(self.group), "VATRate": self.vat_rate}
        own |= {"ItemType": SERVICE} if self.service else {}
        return own | ({"Unit": self.unit} if self.unit else {})


@cache
def recorded_shop_goods() -> tuple[SampleItem, ...]:
    """A good for every SKU of the recorded shop: simple products and variations, not the parents of variations."""
    return tuple(read_recorded_goods())


def read_recorded_goods() -> Iterator[SampleItem]:
    """Reads the recorded shop."""
    catalogue = recorded.get_catalogue()
    simple = [product for product in catalogue["products"] if product["type"] != "variable"]
    parents = {str(product["id"]): product["name"] for product in catalogue["products"]}
    yield from (make_recorded_good(product, product["name"]) for product in simple if product["sku"])
    for parent, variations in catalogue["variations"].items():
        yield from (make_recorded_good(each, f"{parents[parent]} {each['name']}") for each in variations if each["sku"])


def make_recorded_good(product: Row, name: str) -> SampleItem:
    """The good behind one recorded product; the recorded shop has two tax classes."""
    rates = {"zero-rate": stock_and_prices.ZERO_RATE}
    rate = (
        stock_and_prices.WITHOUT_VAT
        if product["tax_status"] == "none"
        else rates.get(product["tax_class"], stock_and_prices.REGULAR_RATE)
    )
    plain_name = html.unescape(name)
    sale = Decimal(product["sale_price"]) if product["sale_price"] else None
    price, group = Decimal(product["regular_price"]), find_folder(plain_name)
    return SampleItem(f"sku:{product['sku']}", product["sku"], plain_name, group, price, sale, rate)


def invent_goods(kind: str, count: int, articles: bool = True) -> Iterator[SampleItem]:
    """Goods that no shop has. Every seventh is sold by weight, every tenth has a name with traps in it."""
    for number in range(count):
        noun = NOUNS[number % len(NOUNS)]
        trap = ' "l\\m" &amp;  Co' if number % 10 == 9 else ""
        name = f"{ADJECTIVES[number % len(ADJECTIVES)]} {noun} {kind}-{number + 1}{trap}"
        article = f"{kind.upper()}-{number + 1:03}" if articles else ""
        price = Decimal(number * 317 % 9000 + 95) / 100
        unit = "კგ" if number % 7 == 6 else ""
        yield SampleItem(f"{kind}:{number}", article, name, find_folder(noun), price, unit=unit)


def invent_twins(count: int) -> Iterator[SampleItem]:
    """Goods that share an article in pairs: an importer must leave both alone."""
    for number, good in enumerate(invent_goods("twin", count)):
        yield SampleItem(good.key, f"TWIN-{number // 2 + 1:03}", good.name, good.group, good.price)


def invent_unmapped_goods(count: int) -> Iterator[SampleItem]:
    """Goods in folders for the company's own use."""
    for number, good in enumerate(invent_goods("internal", count)):
        yield SampleItem(good.key, good.article, good.name, (MATERIALS, ASSETS)[number % 2], good.price)


def list_services(count: int) -> Iterator[SampleItem]:
    """Services; the first three are what orders need: delivery, fee, rounding. Every fourth hides among the goods."""
    for number in range(count):
        article = SERVICE_ARTICLES[number] if number < len(SERVICE_ARTICLES) else f"SERVICE-{number + 1:03}"
        group = HOME if number % 4 == 3 else SERVICE_FOLDER
        name = SERVICE_NAMES[number % len(SERVICE_NAMES)]
        yield SampleItem(f"service:{article}", article, name, group, Decimal(5 + number), service=True)


def generate_goods(count: int) -> Iterator[SampleItem]:
    """Any number of plain goods, for load."""
    for number in range(1, count + 1):
        yield SampleItem(
            f"generated:{number}", f"GEN-{number:07}", f"საქონელი {number}", GENERATED, Decimal(number % 500 + 1)
        )
