"""The folders of the sandbox's catalogue: a small Georgian tree, with branches that no shop would map."""

from __future__ import annotations

from collections.abc import Iterator

from services.sandbox.balance.items import Items
from services.sandbox.balance.record import ZERO, uid

GOODS = "საქონელი"
DRINKS = "საქონელი/სასმელი"
FOOD = "საქონელი/საკვები"
HOME = "საქონელი/სახლი"
PAPER = "საქონელი/კანცელარია"
CLOTHES = "საქონელი/ტანსაცმელი"
SERVICES = "მომსახურება"
INTERNAL = "შიდა მოხმარება"
MATERIALS = "შიდა მოხმარება/ნედლეული"
ASSETS = "შიდა მოხმარება/ძირითადი საშუალებები"
GENERATED = "დიდი კატალოგი"
ALL = (GOODS, DRINKS, FOOD, HOME, PAPER, CLOTHES, SERVICES, INTERNAL, MATERIALS, ASSETS)

WORDS = {
    DRINKS: ("ყავა", "ჩაი"),
    FOOD: ("პური", "ყველი", "თაფლი"),
    HOME: ("მაგიდა", "სკამი", "ფინჯანი", "სანთელი", "საათი", "საპონი"),
    PAPER: ("რვეული", "წიგნი", "კალამი"),
    CLOTHES: ("ქუდი", "ჩანთა"),
}


def group_uid(path: str) -> str:
    """The uid of the folder at a path such as "საქონელი/სასმელი"; the zero uid for the root ""."""
    return uid("group", path) if path else ZERO


def add_group(items: Items, path: str) -> None:
    """Adds one folder under its parent."""
    parent, _, name = path.rpartition("/")
    fields = {"Name": name, "IsGroup": True, "Group": group_uid(parent), "Code": f"G-{len(items) + 1:03}"}
    items.put(group_uid(path), fields)


def fitting(name: str) -> str:
    """The folder for goods of this name."""
    return next(matching(name), GOODS)


def matching(name: str) -> Iterator[str]:
    """The folders of which a word stands in the name."""
    return (path for path, words in WORDS.items() if any(word in name for word in words))
