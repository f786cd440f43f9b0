"""The link table as CSV: with Davtari's columns, or with the columns SKU and uid of other plugins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from contracts.catalog import ProductLinked
from services.cli.csv_file import read_csv, write_csv

COLUMNS = ("shop", "item_uid", "sku", "product_id", "variation_id", "how")
_NAMES: Mapping[str, frozenset[str]] = {
    "item": frozenset({"item_uid", "uid", "balance_uid", "_balance_uid", "guid"}),
    "sku": frozenset({"sku", "article", "internalarticle"}),
    "product": frozenset({"product_id", "id"}),
    "variation": frozenset({"variation_id"}),
    "shop": frozenset({"shop"}),
    "how": frozenset({"how"}),
}
TRANSLATION = "translation"
"""The value of column `how` for a translation of an item that has its own line."""


class InvalidLinkTable(ValueError):
    """The file is not a link table; the message states what is expected."""


@dataclass(frozen=True, slots=True)
class LinkLine:
    """A line of the file: an item and its product. Ids are 0 if the file has none.

    `further`: the product is a translation, in addition to the item's own line or link.
    """

    number: int
    item: str
    sku: str
    product_id: int = 0
    variation_id: int = 0
    further: bool = False

    @property
    def id(self) -> int:
        """The id of the product or variation; 0: find it by SKU."""
        return self.variation_id or self.product_id


def write_links(links: Iterable[ProductLinked], path: Path) -> int:
    """Write links as CSV. Returns the number of rows."""
    return write_csv(path, COLUMNS, (row for link in links for row in _rows(link)))


def _rows(link: ProductLinked) -> Iterator[tuple[str | int, ...]]:
    yield (link.shop, link.item, link.sku, *_ids(link.product_id, link.parent_id), link.how)
    for one in link.further:
        yield (link.shop, link.item, one.sku, *_ids(one.product_id, one.parent_id), TRANSLATION)


def _ids(product_id: int, parent_id: int) -> tuple[int, int | str]:
    return (parent_id, product_id) if parent_id else (product_id, "")


def read_lines(path: Path, shop: str) -> list[LinkLine]:
    """Read the lines of this shop. Raises `InvalidLinkTable`; a file without a head has SKU, uid."""
    rows = read_csv(path)
    if not rows:
        raise InvalidLinkTable(f"{path} is empty")
    places = _places(rows[0])
    head = 1 if places else 0
    if not places and len(rows[0]) != 2:
        raise InvalidLinkTable(f"{path}: the first line must have the column names {', '.join(COLUMNS)}, or sku, uid")
    return list(_lines(rows, places or {"sku": 0, "item": 1}, head, shop))


def _places(head: list[str]) -> dict[str, int]:
    named = {cell.strip().casefold(): place for place, cell in enumerate(head)}
    found = {what: named[name] for what, names in _NAMES.items() for name in names & named.keys()}
    return found if {"item", "sku"} <= found.keys() else {}


def _lines(rows: list[list[str]], places: Mapping[str, int], head: int, shop: str) -> Iterator[LinkLine]:
    for number, row in enumerate(rows[head:], head + 1):
        cell = {what: row[place].strip() if place < len(row) else "" for what, place in places.items()}
        if cell.get("shop", shop) == shop:
            product, variation = (_number(cell.get(what, ""), number) for what in ("product", "variation"))
            further = cell.get("how", "").casefold() == TRANSLATION
            yield LinkLine(number, cell["item"].casefold(), cell["sku"], product, variation, further)


def _number(text: str, line: int) -> int:
    if text and not (text.isascii() and text.isdigit()):
        raise InvalidLinkTable(f"line {line}: invalid product id {text!r}")
    return int(text or 0)
