"""Check the documents of an edited payload: known fields, number formats, dates, and amounts equal to the order's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from contracts.money import is_whole_tetri, to_tetri

MAX_AHEAD = timedelta(days=31)
"""A document dated further ahead of today is a typing error."""
MAX_BACK = timedelta(days=366)
"""So is a document dated further before its order was placed."""
DATE_FORMAT = re.compile(r"(\d{4}-\d\d-\d\d)(T.*)?")
MONEY = frozenset({"Amount", "AmountIncludingVAT", "VAT", "Discount", "FeeAmount"})
NUMBERS = MONEY | {"Quantity", "Price", "CurrencyRate", "Rate", "Reserve"}
Json = Mapping[str, Any]


@dataclass(slots=True)
class DateCheck:
    """Collects faults and doubts about the changed dates of a document."""

    today: date
    placed: date | None = None
    locked_until: date | None = None
    checked: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    def check(self, pointer: str, text: str, before: str) -> None:
        """Check a date that was changed from `before` to `text`. A day in several fields is checked once."""
        day = parse_day(text)
        if str(day or text) in self.checked:
            return
        self.checked.add(str(day or text))
        if day is None:
            self.faults.append(f"{pointer}: invalid date {text!r}; use the format it had before, such as 2026-12-01")
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
    """The day of a date or date-time in the format of documents; None if it is neither."""
    found = DATE_FORMAT.fullmatch(text)
    try:
        return date.fromisoformat(found[1]) if found else None
    except ValueError:
        return None


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
"""Parts of a payload that its model does not validate; `unknown_document_fields` checks the documents."""


def unknown_payload_fields(payload: Any, validated: Any, at: str = "") -> Iterator[str]:
    """The pointers of fields of a payload that its model does not have."""
    if isinstance(payload, Mapping) and isinstance(validated, Mapping):
        for name, value in payload.items():
            if name not in validated:
                yield f"{at}/{name}"
            elif name not in UNCHECKED_PARTS:
                yield from unknown_payload_fields(value, validated[name], f"{at}/{name}")
    elif isinstance(payload, list) and isinstance(validated, list):
        for number, pair in enumerate(zip(payload, validated, strict=False)):
            yield from unknown_payload_fields(*pair, f"{at}/{number}")


def unknown_document_fields(
    document: Mapping[str, Any], before: Mapping[str, Any], extra: frozenset[str], at: str
) -> Iterator[str]:
    """The pointers of fields that are new in a document and that Davtari never writes.

    `extra`: the names of fields from the settings.
    """
    yield from (f"{at}/{name}" for name in document if name not in HEADER_FIELDS | extra | before.keys())
    for table, names in ROW_FIELDS.items():
        old = {name for row in table_rows(before, table) for name in row}
        for number, row in enumerate(table_rows(document, table)):
            yield from (f"{at}/{table}/{number}/{name}" for name in row if name not in names | old)


def table_rows(document: Mapping[str, Any], table: str) -> list[Mapping[str, Any]]:
    """The rows of a table of a document; an invalid row counts as empty."""
    rows = document.get(table)
    return [row if isinstance(row, Mapping) else {} for row in rows] if isinstance(rows, list) else []


def find_documents(payload: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The documents of a payload by pointer: `/document`, and `/parts/N/sent` if there is one per warehouse."""
    found = {"/document": payload["document"]} if isinstance(payload.get("document"), dict) else {}
    parts = payload.get("parts") or ()
    return found | {f"/parts/{number}/sent": part["sent"] for number, part in enumerate(parts)}


def invalid_fields(payload: Json, before: Json) -> Iterator[str]:
    """Values that Balance does not accept: it takes text, numbers with a dot, and amounts in whole tetri."""
    old = find_documents(before)
    for at, document in find_documents(payload).items():
        for pointer, name, value in _leaves(document, at):
            if fault := _check_field(name, value):
                yield f"{pointer} {fault}"
        if document.keys() & {"Items"} and not document["Items"] and old.get(at, {}).get("Items"):
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
        return f'must be text: "{value}"'
    if name not in NUMBERS:
        return ""
    number = parse_number(value)
    if number is None:
        return "is not a number: write it as 118.00"
    return "has more than two decimals" if name in MONEY and not is_whole_tetri(number) else ""


def parse_number(text: Any) -> Decimal | None:
    """The number in a text; None if it is not a finite number."""
    try:
        found = Decimal(str(text))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def inconsistent_figures(payload: Json, totals: Sequence[Decimal]) -> Iterator[str]:
    """Amounts that do not add up. `totals`: the allowed totals, that of the shop last."""
    lines = payload.get("lines")
    if not isinstance(lines, list):
        yield from _check_receipt(payload)
        return
    amounts, vat = _sum(lines, "amount"), _sum(lines, "vat")
    total = Decimal(payload["total"])
    if amounts != total:
        yield f"the amounts of /lines add up to {amounts}, but /total is {total}"
    if vat != Decimal(payload["vat"]):
        yield f"the VAT of /lines adds up to {vat}, but /vat is {payload['vat']}"
    if totals and total not in totals:
        yield f"/total is {total}, but in the shop it is {totals[-1]}"
    yield from _check_documents(payload, [*payload.get("before", ()), *lines])


def _sum(lines: Sequence[Json], name: str) -> Decimal:
    return sum((Decimal(line[name]) for line in lines), Decimal(0))


def _check_receipt(payload: Json) -> Iterator[str]:
    document = payload.get("document")
    written = parse_number(document.get("Amount")) if isinstance(document, dict) else None
    if written is not None and "amount" in payload and written != Decimal(payload["amount"]):
        yield f"/document/Amount is {written}, but /amount is {payload['amount']}"


def _check_documents(payload: Json, lines: Sequence[Json]) -> Iterator[str]:
    """Compare the rows of each document with its lines."""
    parts = payload.get("parts") or ()
    lines_by_part = {f"/parts/{n}/sent": [lines[at - 1] for at in part["positions"]] for n, part in enumerate(parts)}
    for at, document in find_documents(payload).items():
        if at == "/document" and parts:
            continue  # the same document as the first part
        yield from _check_rows(table_rows(document, "Items"), lines_by_part.get(at, lines), at)


def _check_rows(rows: Sequence[Json], lines: Sequence[Json], at: str) -> Iterator[str]:
    if len(rows) != len(lines):
        yield f"{at}/Items has {len(rows)} rows, but /lines has {len(lines)}"
        return
    for number, (row, line) in enumerate(zip(rows, lines, strict=True)):
        name, amount = f"{at}/Items/{number}", parse_number(row.get("Amount"))
        if amount != Decimal(line["amount"]):
            yield f"{name}/Amount is {row.get('Amount')}, but the line's amount is {line['amount']}: change both"
        if row.get("Item") != line["item"]:
            yield f"{name}/Item is {row.get('Item')}, but the line's item is {line['item']}: change both"
        if not _matches_amount(row, amount):
            yield f"{name}: Quantity × Price − Discount is not equal to Amount"


def _matches_amount(row: Json, amount: Decimal | None) -> bool:
    quantity, price = parse_number(row.get("Quantity")), parse_number(row.get("Price"))
    if quantity is None or price is None or amount is None:
        return True  # reported by `invalid_fields`, or the row has no such field
    discount = parse_number(row.get("Discount", "0")) or Decimal(0)
    return to_tetri(quantity * price) - discount == amount
