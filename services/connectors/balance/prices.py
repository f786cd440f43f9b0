"""Prices: one row per item and price type, from `Prices` or out of a price document (Balance facts 29 and 45)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from contracts.balance import ItemPrice
from services.connectors.balance.fields import (
    FieldInvalid,
    Row,
    deleted,
    moment,
    needed_number,
    needed_reference,
    number,
    reading_row,
    reference,
    text,
    value,
)

# Price-setting documents: for each item and price type the newest one wins (Balance fact 45).

ITEM_PRICING = "ItemPricing"
DOCUMENT = "PricingDocument"
"""The field added to a row: the uid of its document."""
_NOTHING = "(none)"
_UNDATED = datetime.max.replace(tzinfo=UTC)

_Rank = tuple[datetime, str, str]


async def select_latest_prices(
    documents: AsyncIterator[Mapping[str, Any]], until: datetime | None = None
) -> AsyncIterator[dict[str, Any]]:
    """The rows for `prices.price_row` that hold after all documents; those dated after `until` do not count yet.

    Documents may come in any order; memory grows with items × price types, not with documents. A document without a
    readable date cannot be ranked: it wins, so that `price_row` reports each of its items instead of an old price.
    A newest price of 0 means that the item has none of that type any more: no row.
    A document whose lines are no list of rows is given as a row without item, which `price_row` reports.
    """
    newest: dict[tuple[str | None, str | None], tuple[_Rank, dict[str, Any]]] = {}
    async for document in documents:
        rank = _rank(document)
        if deleted(document) or (until is not None and until < rank[0] != _UNDATED):
            continue
        for row in read_document_rows(document):
            key = (reference(row, "Item"), reference(row, "PriceType"))
            if key not in newest or newest[key][0] <= rank:
                newest[key] = (rank, row)
    for _, row in newest.values():
        if not _ends_price(row):
            yield row


def read_document_rows(document: Row) -> Iterator[dict[str, Any]]:
    """The lines of a price document as rows with its price type, currency and date."""
    header = {
        "PriceType": value(document, "PriceType"),
        "Currency": value(document, "Currency"),
        "Date": value(document, "Date") if _date(document) else _NOTHING,
        DOCUMENT: text(document, "uid") or _NOTHING,
    }
    for line in _lines(document):
        if not isinstance(line, dict):
            yield header | {"Item": None, "Price": None}
            continue
        own_type = {"PriceType": value(line, "PriceType")} if reference(line, "PriceType") else {}
        yield header | {"Item": value(line, "Item"), "Price": value(line, "Price")} | own_type


def _lines(document: Row) -> list[Any]:
    """The lines; anything but a list becomes one odd line."""
    found = value(document, "Items")
    if isinstance(found, dict):
        return [found]
    return found if isinstance(found, list) else [found] if found else []


def _ends_price(row: Row) -> bool:
    try:
        return number(row, "Price") == 0
    except FieldInvalid:
        return False  # `price_row` reports it


def _rank(document: Row) -> _Rank:
    return _date(document) or _UNDATED, text(document, "Number") or "", reference(document, "uid") or ""


def _date(document: Row) -> datetime | None:
    try:
        return moment(document, "Date")
    except FieldInvalid:
        return None


PRICES = "Prices"


def read_price_row(row: Row) -> tuple[str, ItemPrice]:
    """The item's uid and its price of one type. Raises `RowInvalid` without item, price type or price.

    `currency` is the uid that Balance states. A row of a price document is valid from the document's date.
    """
    from_document = value(row, DOCUMENT) is not None
    named = reference(row, "Item") or (f"document {value(row, DOCUMENT)}" if from_document else None)
    with reading_row("ItemPricing" if from_document else PRICES, named):
        return needed_reference(row, "Item"), ItemPrice(
            price_type=needed_reference(row, "PriceType"),
            price=needed_number(row, "Price"),
            currency=reference(row, "Currency"),
            valid_from=moment(row, "Date") if from_document else None,
            source="ItemPricing" if from_document else "Prices",
        )
