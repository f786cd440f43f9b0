"""Writes typed rows the way the chosen dialect of Balance does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import orjson

from services.sandbox.balance.record import ZERO, Row, plain
from services.sandbox.balance.settings import Dialect

SPACES = {"none": "", "space": " ", "no-break": "\u00a0", "narrow": "\u202f"}

CASING_VARIANTS = {
    "VATRate": "VATrate",
    "VATTaxable": "VATtaxable",
    "VATArticle": "VATarticle",
    "PriceType": "Pricetype",
    "IsPlannedAccruals": "IsPlannedaccruals",
    "Barcode": "BarCode",
}
"""API fact: the same field is cased differently by different services."""

NAMES_ON_READ = {
    "AccountNumber": "AccountingAccount",
    "IncomeAccount": "RevenueAccount",
    "VATPayableAccount": "VATAccount",
    "CurrencyRate": "Rate",
    "ReceivablesAccount": "CustomersAccount",
    "AdvancesAccount": "DownPaymentAccount",
}
"""API fact: fields of a document may be called otherwise on GET than on PUT."""


@dataclass(frozen=True)
class Voice:
    """Renders rows in one dialect; made once per answer. `names` renames the fields."""

    dialect: Dialect
    document: bool = False
    names: dict[str, str] = field(init=False)
    writers: dict[type, Callable[[Any], Any]] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", names_in(self.dialect, self.document))
        object.__setattr__(self, "writers", writers_in(self.dialect, self.rows))

    def row(self, row: Row) -> Row:
        """One record as it goes over the wire."""
        written = {self.names.get(name, name): self.value(value) for name, value in row.items()}
        if self.dialect.empties == "missing":
            return {name: value for name, value in written.items() if value is not None}
        return written

    def rows(self, rows: list[Row]) -> list[Row]:
        """A tabular part."""
        return [self.row(row) for row in rows]

    def value(self, value: Any) -> Any:
        """One field's value."""
        writer = self.writers.get(type(value))
        return value if writer is None else writer(value)

    def json(self, rows: list[Row]) -> bytes:
        """Records as a JSON array (UTF-8, Georgian letters as they are)."""
        return orjson.dumps(self.rows(rows))


def names_in(dialect: Dialect, document: bool) -> dict[str, str]:
    """Which fields this dialect calls otherwise."""
    names = NAMES_ON_READ if document and dialect.read_names == "accounting" else {}
    return names | (CASING_VARIANTS if dialect.casing == "variant" else {})


def writers_in(dialect: Dialect, rows: Callable[[list[Row]], Any]) -> dict[type, Callable[[Any], Any]]:
    """How each type of value is written."""
    return {
        str: lambda text: text_in(text, dialect),
        Decimal: lambda number: number_in(number, dialect),
        bool: lambda flag: flag if dialect.booleans == "bool" else str(flag).lower(),
        datetime: lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%S"),
        date: lambda day: day.strftime("%d.%m.%Y" if dialect.discount_dates == "dotted" else "%Y-%m-%d"),
        list: rows,
    }


def text_in(text: str, dialect: Dialect) -> str | None:
    """A text; empty ones and empty references as this dialect marks them."""
    if text == ZERO and dialect.empty_reference == "text":
        text = ""
    return text if text or dialect.empties == "text" else None


def number_in(number: Decimal, dialect: Dialect) -> str | orjson.Fragment:
    """A number: `1234.5`, `"1234.5"`, `"1 234,5"`, ..."""
    if dialect.numbers == "number":
        return orjson.Fragment(plain(number))
    whole, dot, decimals = plain(number).partition(".")
    sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    grouped = f"{int(digits):,}".replace(",", SPACES[dialect.thousands])
    return sign + grouped + (dot and {"dot": ".", "comma": ","}[dialect.decimals]) + decimals
