"""Renders rows and responses in the configured dialect of Balance."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from itertools import chain, islice
from typing import Any

import orjson
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from services.sandbox.balance.record import ZERO, Row, plain_number
from services.sandbox.balance.resources import ReadQuery
from services.sandbox.balance.settings import SandboxDialect

SPACES = {"none": "", "space": " ", "no-break": "\u00a0", "narrow": "\u202f"}

CASING_VARIANTS = {
    "VATRate": "VATrate",
    "VATTaxable": "VATtaxable",
    "VATArticle": "VATarticle",
    "PriceType": "Pricetype",
    "IsPlannedAccruals": "IsPlannedaccruals",
    "Barcode": "BarCode",
}
"""Letter case differs between resources (Balance fact 15)."""

NAMES_ON_READ = {
    "AccountNumber": "AccountingAccount",
    "IncomeAccount": "RevenueAccount",
    "VATPayableAccount": "VATAccount",
    "CurrencyRate": "Rate",
    "ReceivablesAccount": "CustomersAccount",
    "AdvancesAccount": "DownPaymentAccount",
}
"""Names of document fields on GET that differ from those on PUT (Balance fact 16)."""


@dataclass(frozen=True)
class RowRenderer:
    """Renders rows in one dialect; made once per answer. `names` renames the fields."""

    dialect: SandboxDialect
    document: bool = False
    names: dict[str, str] = field(init=False)
    writers: dict[type, Callable[[Any], Any]] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", field_names(self.dialect, self.document))
        object.__setattr__(self, "writers", value_writers(self.dialect, self.rows))

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


def field_names(dialect: SandboxDialect, document: bool) -> dict[str, str]:
    """Maps field names to the names of this dialect."""
    names = NAMES_ON_READ if document and dialect.read_names == "accounting" else {}
    return names | (CASING_VARIANTS if dialect.casing == "variant" else {})


def value_writers(dialect: SandboxDialect, rows: Callable[[list[Row]], Any]) -> dict[type, Callable[[Any], Any]]:
    """How each type of value is written."""
    return {
        str: lambda text: render_text(text, dialect),
        Decimal: lambda number: render_number(number, dialect),
        bool: lambda flag: flag if dialect.booleans == "bool" else str(flag).lower(),
        datetime: lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%S"),
        date: lambda day: day.strftime("%d.%m.%Y" if dialect.discount_dates == "dotted" else "%Y-%m-%d"),
        list: rows,
    }


def render_text(text: str, dialect: SandboxDialect) -> str | None:
    """A text; empty ones and empty references as this dialect marks them."""
    if text == ZERO and dialect.empty_reference == "text":
        text = ""
    return text if text or dialect.empties == "text" else None


def render_number(number: Decimal, dialect: SandboxDialect) -> str | orjson.Fragment:
    """A number: `1234.5`, `"1234.5"`, `"1 234,5"`, ..."""
    if dialect.numbers == "number":
        return orjson.Fragment(plain_number(number))
    whole, dot, decimals = plain_number(number).partition(".")
    sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    grouped = f"{int(digits):,}".replace(",", SPACES[dialect.thousands])
    return sign + grouped + (dot and {"dot": ".", "comma": ","}[dialect.decimals]) + decimals


ROWS_PER_CHUNK = 200
JSON = "application/json; charset=utf-8"


def list_response(rows: Iterator[Row], query: ReadQuery, renderer: RowRenderer) -> Response:
    """The response to a GET: streamed rows, a single object, or the empty response of the dialect."""
    head = list(islice(rows, 2))
    if not head:
        return empty_response(query, renderer.dialect)
    if len(head) == 1 and renderer.dialect.single_object:
        return Response(renderer.json(head)[1:-1], media_type=JSON)
    return StreamingResponse(stream_rows(chain(head, rows), renderer), media_type=JSON)


def empty_response(query: ReadQuery, dialect: SandboxDialect) -> Response:
    """The response without rows: 404 "Not Found" or an empty array (Balance fact 20)."""
    beyond = query.page is not None and query.page[0] > 1
    if (dialect.page_beyond if beyond else dialect.no_match) == "not-found":
        return PlainTextResponse("Not Found", 404)
    opening, closing = array_brackets(dialect)
    return Response(opening + closing, media_type=JSON)


async def stream_rows(rows: Iterator[Row], renderer: RowRenderer) -> AsyncIterator[bytes]:
    """The JSON text of many rows, in pieces of `BATCH` rows; other requests are served in between."""
    opening, closing = array_brackets(renderer.dialect)
    before = opening
    while batch := list(islice(rows, ROWS_PER_CHUNK)):
        yield before + renderer.json(batch)[1:-1]
        before = b","
        await asyncio.sleep(0)
    yield closing


def array_brackets(dialect: SandboxDialect) -> tuple[bytes, bytes]:
    """The text around the rows: `[` and `]`, or `{"Source":[` and `]}` (Balance fact 19)."""
    if not dialect.wrapper:
        return b"[", b"]"
    return f'{{"{dialect.wrapper}":['.encode(), b"]}"
