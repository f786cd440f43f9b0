"""Whether the figures of an edited document still are those of its order, to the tetri."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from contracts.money import is_whole_tetri, to_tetri

# Dates of edited documents: real ones, in an open period, and such as the document can have.

MAX_AHEAD = timedelta(days=31)
"""No document is dated later than that from today on: it is a slip of the pen."""
MAX_BACK = timedelta(days=366)
"""Nor so long before its order was placed."""
DATE_FORMAT = re.compile(r"(\d{4}-\d\d-\d\d)(T.*)?")


@dataclass(slots=True)
class DateCheck:
    """Judges the new dates of a document. `faults` cannot be, `doubts` are for a person to confirm."""

    today: date
    placed: date | None = None
    locked_until: date | None = None
    judged: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    def judge(self, pointer: str, text: str, before: str) -> None:
        """Judge a date that was `before` and is `text` now; the same day of several fields once."""
        day = parse_day(text)
        if str(day or text) in self.judged:
            return
        self.judged.add(str(day or text))
        if day is None:
            self.faults.append(f"{pointer}: {text!r} is no date, write 2026-12-01 as it was written before")
        elif fault := next(self._impossible(day), ""):
            self.faults.append(f"{pointer}: {day} is {fault}")
        else:
            self.doubts += [f"{pointer}: {day} is {doubt}" for doubt in self._unusual(day, parse_day(before))]

    def _impossible(self, day: date) -> Iterator[str]:
        if day > self.today + MAX_AHEAD:
            yield f"more than {MAX_AHEAD.days} days ahead: documents are dated today or earlier"
        if self.placed and day < self.placed - MAX_BACK:
            yield f"more than a year before the order was placed ({self.placed})"

    def _unusual(self, day: date, before: date | None) -> Iterator[str]:
        if day > self.today:
            yield "in the future"
        if self.locked_until and day <= self.locked_until:
            yield f"in a closed period (orders.locked-until {self.locked_until})"
        if self.placed and day < self.placed:
            yield f"before the order was placed ({self.placed})"
        if before and (day.year, day.month) != (before.year, before.month):
            yield f"in another VAT month than {before}"


def parse_day(text: str) -> date | None:
    """The day in a date or date-time as documents have it; None when it is none."""
    found = DATE_FORMAT.fullmatch(text)
    try:
        return date.fromisoformat(found[1]) if found else None
    except ValueError:
        return None


# The fields of our documents for Balance, and unknown fields of edited payloads by their JSON pointers.

HEADER_FIELDS = frozenset(
    {
        "uid", "Date", "Warehouse", "Client", "Currency", "CurrencyRate", "Rate", "AmountIncludesVAT", "VATTaxable",
        "VATtaxable", "VATArticle", "VATarticle", "OperationType", "PrimaryDocument", "BaseDocument", "Comments",
        "ReceivablesAccount", "RevenueAccount", "CustomersAccount", "Department", "Branch", "Agreement",
        "CashRegister", "PriceType", "AutomaticReservation", "Amount", "PaymentType", "PaymentAccount", "FeeAmount",
        "FeeAccount", "Payment", "Items",
    }
)  # fmt: skip
ROW_FIELDS: Mapping[str, frozenset[str]] = {
    "Items": frozenset(
        {
            "Number", "Item", "Quantity", "Price", "Discount", "Amount", "AmountIncludingVAT", "VAT", "VATRate",
            "VATrate", "AccountNumber", "AccountingAccount", "ExpensesAccount", "IncomeAccount", "RevenueAccount",
            "VATPayableAccount", "VATAccount", "BaseDocument", "Reserve",
        }
    ),
    "Payment": frozenset({"PaymentType", "PaymentAccount", "Amount"}),
}  # fmt: skip
UNCHECKED_PARTS = ("document", "sent", "person")
"""Parts of a payload that a model lets through as they are; `unknown_in_document` looks at the documents."""


def unknown_payload_fields(given: Any, modelled: Any, at: str = "") -> Iterator[str]:
    """What a payload has and its model does not."""
    if isinstance(given, Mapping) and isinstance(modelled, Mapping):
        for name, value in given.items():
            if name not in modelled:
                yield f"{at}/{name}"
            elif name not in UNCHECKED_PARTS:
                yield from unknown_payload_fields(value, modelled[name], f"{at}/{name}")
    elif isinstance(given, list) and isinstance(modelled, list):
        for number, pair in enumerate(zip(given, modelled, strict=False)):
            yield from unknown_payload_fields(*pair, f"{at}/{number}")


def unknown_document_fields(
    made: Mapping[str, Any], before: Mapping[str, Any], more: frozenset[str], at: str
) -> Iterator[str]:
    """What a document has, and neither our documents nor this one before. `more`: the fields that settings name."""
    yield from (f"{at}/{name}" for name in made if name not in HEADER_FIELDS | more | before.keys())
    for table, names in ROW_FIELDS.items():
        had = {name for row in table_rows(before, table) for name in row}
        for number, row in enumerate(table_rows(made, table)):
            yield from (f"{at}/{table}/{number}/{name}" for name in row if name not in names | had)


def table_rows(document: Mapping[str, Any], table: str) -> list[Mapping[str, Any]]:
    """The rows of a table of a document; what is no row counts as an empty one."""
    rows = document.get(table)
    return [row if isinstance(row, Mapping) else {} for row in rows] if isinstance(rows, list) else []


def find_documents(payload: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The documents of a payload by their pointers: one, or one for each warehouse, of which the first is the same."""
    found = {"/document": payload["document"]} if isinstance(payload.get("document"), dict) else {}
    parts = payload.get("parts") or ()
    return found | {f"/parts/{number}/sent": part["sent"] for number, part in enumerate(parts)}


MONEY = frozenset({"Amount", "AmountIncludingVAT", "VAT", "Discount", "FeeAmount"})
NUMBERS = MONEY | {"Quantity", "Price", "CurrencyRate", "Rate", "Reserve"}
Json = Mapping[str, Any]


def invalid_fields(payload: Json, before: Json) -> Iterator[str]:
    """Fields of documents that are not written as Balance takes them: texts, numbers with a dot, whole tetri."""
    had = find_documents(before)
    for at, document in find_documents(payload).items():
        for pointer, name, value in _leaves(document, at):
            if fault := _check_field(name, value):
                yield f"{pointer} {fault}"
        if document.keys() & {"Items"} and not document["Items"] and had.get(at, {}).get("Items"):
            yield f"{at}/Items is empty"


def _leaves(document: Json, at: str) -> Iterator[tuple[str, str, Any]]:
    for name, value in document.items():
        if isinstance(value, list):
            for number, row in enumerate(value):
                yield from _leaves(row, f"{at}/{name}/{number}") if isinstance(row, dict) else ((at, name, None),)
        else:
            yield f"{at}/{name}", name, value


def _check_field(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "" if name not in NUMBERS else "must be a number as text"
    if not isinstance(value, str):
        return f'must be a text, as "{value}"'
    if name not in NUMBERS:
        return ""
    number = parse_number(value)
    if number is None:
        return "is no number: write it as 118.00"
    return "has more than two decimals" if name in MONEY and not is_whole_tetri(number) else ""


def parse_number(text: Any) -> Decimal | None:
    """The number in a text; None when there is none."""
    try:
        found = Decimal(str(text))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def inconsistent_figures(payload: Json, totals: Sequence[Decimal]) -> Iterator[str]:
    """Sums that do not agree. `totals`: what the whole may come to, by the shop and by what was refused."""
    lines = payload.get("lines")
    if not isinstance(lines, list):
        yield from _check_receipt(payload)
        return
    amounts, vat = _sum(lines, "amount"), _sum(lines, "vat")
    total = Decimal(payload["total"])
    if amounts != total:
        yield f"/lines come to {amounts}, /total is {total}"
    if vat != Decimal(payload["vat"]):
        yield f"the VAT of /lines comes to {vat}, /vat is {payload['vat']}"
    if totals and total not in totals:
        yield f"/total is {total}, the shop says {totals[-1]}"
    yield from _check_documents(payload, [*payload.get("before", ()), *lines])


def _sum(lines: Sequence[Json], name: str) -> Decimal:
    return sum((Decimal(line[name]) for line in lines), Decimal(0))


def _check_receipt(payload: Json) -> Iterator[str]:
    document = payload.get("document")
    written = parse_number(document.get("Amount")) if isinstance(document, dict) else None
    if written is not None and "amount" in payload and written != Decimal(payload["amount"]):
        yield f"/document/Amount is {written}, /amount is {payload['amount']}"


def _check_documents(payload: Json, lines: Sequence[Json]) -> Iterator[str]:
    """Each document's rows against the lines that it holds."""
    parts = payload.get("parts") or ()
    held = {f"/parts/{n}/sent": [lines[at - 1] for at in part["positions"]] for n, part in enumerate(parts)}
    for at, document in find_documents(payload).items():
        if at == "/document" and parts:
            continue  # it is the first of the parts
        yield from _check_rows(table_rows(document, "Items"), held.get(at, lines), at)


def _check_rows(rows: Sequence[Json], lines: Sequence[Json], at: str) -> Iterator[str]:
    if len(rows) != len(lines):
        yield f"{at}/Items has {len(rows)} rows, /lines {len(lines)}"
        return
    for number, (row, line) in enumerate(zip(rows, lines, strict=True)):
        name, amount = f"{at}/Items/{number}", parse_number(row.get("Amount"))
        if amount != Decimal(line["amount"]):
            yield f"{name}/Amount is {row.get('Amount')}, the line's amount {line['amount']}: change both"
        if row.get("Item") != line["item"]:
            yield f"{name}/Item is {row.get('Item')}, the line's item {line['item']}: change both"
        if not _matches_amount(row, amount):
            yield f"{name}: Quantity × Price less Discount does not come to its Amount"


def _matches_amount(row: Json, amount: Decimal | None) -> bool:
    quantity, price = parse_number(row.get("Quantity")), parse_number(row.get("Price"))
    if quantity is None or price is None or amount is None:
        return True  # `odd_texts` names it, or the row has no such field
    discount = parse_number(row.get("Discount", "0")) or Decimal(0)
    return to_tetri(quantity * price) - discount == amount
