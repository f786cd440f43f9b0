"""Sales, credit notes and receipts as stored in Balance, for the comparison with the intended document."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial

from services.connectors.balance import fields
from services.connectors.balance.fields import Row, reading_row
from services.connectors.balance.writing import wire_name
from services.settings.balance import Dialect


@dataclass(frozen=True, slots=True)
class StoredLine:
    """A line; fields that Balance does not state are None. `item` is None if Balance dropped it (Balance fact 37)."""

    uid: str | None
    number: str | None
    item: str | None
    quantity: Decimal | None
    price: Decimal | None
    discount: Decimal | None
    amount: Decimal | None
    vat: Decimal | None
    vat_rate: str | None
    reserve: Decimal | None = None


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document. `total` is the sum of the lines' amounts, else its own amount; `vat` the sum of their VAT,
    None if no line states any; `rate` is the currency rate, None if Balance does not state it.

    `posted` is None if the dialect names no field for it.
    """

    uid: str
    number: str | None
    date: datetime | None
    client: str | None
    warehouse: str | None
    currency: str | None
    base_document: str | None
    comments: str | None
    waybill: str | None
    deleted: bool
    total: Decimal
    vat: Decimal | None
    lines: tuple[StoredLine, ...]
    rate: Decimal | None = None
    posted: bool | None = None


def read_stored_document(row: Row, resource: str, dialect: Dialect) -> StoredDocument:
    """The document in a row; `resource` is its name in this dialect, renamed fields are read under both names.

    Raises `RowInvalid` without uid, or for an invalid figure or date.
    """
    with reading_row(resource, fields.reference(row, "uid")):
        named = partial(_named, resource=resource, dialect=dialect)
        lines = tuple(_line(each, named) for each in fields.tabular(row, named(row, "Items")))
        return StoredDocument(
            uid=fields.needed_reference(row, "uid"),
            number=fields.text(row, "Number"),
            date=fields.moment(row, named(row, "Date")),
            client=fields.reference(row, named(row, "Client")),
            warehouse=fields.reference(row, named(row, "Warehouse")),
            currency=fields.reference(row, named(row, "Currency")),
            base_document=fields.reference(row, named(row, "BaseDocument")),
            comments=fields.text(row, named(row, "Comments")),
            waybill=fields.text(row, dialect.waybill_number_field) if dialect.waybill_number_field else None,
            deleted=fields.deleted(row),
            total=_sum_of_stated(line.amount for line in lines) or _own_amount(row, named, lines),
            vat=_sum_of_stated(line.vat for line in lines),
            lines=lines,
            rate=fields.number(row, named(row, "CurrencyRate")) or fields.number(row, "Rate"),
            posted=_posted(row, dialect),
        )


def _own_amount(row: Row, named: Callable[[Row, str], str], lines: tuple[StoredLine, ...]) -> Decimal:
    """The amount of a document without lines, such as a receipt."""
    return Decimal(0) if lines else fields.number(row, named(row, "Amount")) or Decimal(0)


def _posted(row: Row, dialect: Dialect) -> bool | None:
    stated = fields.value(row, dialect.posted_field) if dialect.posted_field else None
    return None if stated in (None, "") else fields.flag(row, str(dialect.posted_field))


def _line(row: Row, named: Callable[[Row, str], str]) -> StoredLine:
    return StoredLine(
        uid=fields.reference(row, "uid"),
        number=fields.text(row, "Number"),
        item=fields.reference(row, named(row, "Item")),
        quantity=fields.number(row, named(row, "Quantity")),
        price=fields.number(row, named(row, "Price")),
        discount=fields.number(row, named(row, "Discount")),
        amount=fields.number(row, named(row, "Amount")),
        vat=fields.number(row, named(row, "VAT")),
        vat_rate=fields.reference(row, named(row, "VATRate")),
        reserve=fields.number(row, named(row, "Reserve")),
    )


def _named(row: Row, name: str, resource: str, dialect: Dialect) -> str:
    """The name of a field in an answer: as written, if present, else its usual name (Balance fact 16)."""
    written = wire_name(name, resource, dialect) if dialect.field_names else name
    return written if fields.value(row, written) is not None else name


def _sum_of_stated(figures: Iterable[Decimal | None]) -> Decimal | None:
    stated = [figure for figure in figures if figure is not None]
    return sum(stated, Decimal(0)) if stated else None
