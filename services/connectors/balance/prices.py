"""Prices: one row per item and price type, from `Prices` or out of a price document (balance-api 2.4, 2.5)."""

from __future__ import annotations

from contracts.balance import ItemPrice
from services.connectors.balance.fields import moment, needed_number, needed_reference, reference, value
from services.connectors.balance.pricing import DOCUMENT
from services.connectors.balance.rows import Row, reading

RESOURCE = "Prices"


def price_row(row: Row) -> tuple[str, ItemPrice]:
    """The item's uid and its price of one type. Raises `RowInvalid` without item, price type or price.

    `currency` is the uid that Balance states. A row out of a price document is valid from the document's date on.
    """
    from_document = value(row, DOCUMENT) is not None
    named = reference(row, "Item") or (f"document {value(row, DOCUMENT)}" if from_document else None)
    with reading("ItemPricing" if from_document else RESOURCE, named):
        return needed_reference(row, "Item"), ItemPrice(
            price_type=needed_reference(row, "PriceType"),
            price=needed_number(row, "Price"),
            currency=reference(row, "Currency"),
            valid_from=moment(row, "Date") if from_document else None,
            source="ItemPricing" if from_document else "Prices",
        )
