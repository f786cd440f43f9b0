"""Whether the figures of an edited document still are those of its order, to the tetri."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from contracts.money import is_whole_tetri, to_tetri
from services.cli.dead_letters.checking.names import documents_of, rows_of

MONEY = frozenset({"Amount", "AmountIncludingVAT", "VAT", "Discount", "FeeAmount"})
NUMBERS = MONEY | {"Quantity", "Price", "CurrencyRate", "Rate", "Reserve"}
Json = Mapping[str, Any]


def odd_texts(payload: Json, before: Json) -> Iterator[str]:
    """Fields of documents that are not written as Balance takes them: texts, numbers with a dot, whole tetri."""
    had = documents_of(before)
    for at, document in documents_of(payload).items():
        for pointer, name, value in _leaves(document, at):
            if fault := _odd(name, value):
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


def _odd(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "" if name not in NUMBERS else "must be a number as text"
    if not isinstance(value, str):
        return f'must be a text, as "{value}"'
    if name not in NUMBERS:
        return ""
    number = number_of(value)
    if number is None:
        return "is no number: write it as 118.00"
    return "has more than two decimals" if name in MONEY and not is_whole_tetri(number) else ""


def number_of(text: Any) -> Decimal | None:
    """The number in a text; None when there is none."""
    try:
        found = Decimal(str(text))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def other_figures(payload: Json, totals: Sequence[Decimal]) -> Iterator[str]:
    """Sums that do not agree. `totals`: what the whole may come to, by the shop and by what was refused."""
    lines = payload.get("lines")
    if not isinstance(lines, list):
        yield from _receipt(payload)
        return
    amounts, vat = _sum(lines, "amount"), _sum(lines, "vat")
    total = Decimal(payload["total"])
    if amounts != total:
        yield f"/lines come to {amounts}, /total is {total}"
    if vat != Decimal(payload["vat"]):
        yield f"the VAT of /lines comes to {vat}, /vat is {payload['vat']}"
    if totals and total not in totals:
        yield f"/total is {total}, the shop says {totals[-1]}"
    yield from _documents(payload, [*payload.get("before", ()), *lines])


def _sum(lines: Sequence[Json], name: str) -> Decimal:
    return sum((Decimal(line[name]) for line in lines), Decimal(0))


def _receipt(payload: Json) -> Iterator[str]:
    document = payload.get("document")
    written = number_of(document.get("Amount")) if isinstance(document, dict) else None
    if written is not None and "amount" in payload and written != Decimal(payload["amount"]):
        yield f"/document/Amount is {written}, /amount is {payload['amount']}"


def _documents(payload: Json, lines: Sequence[Json]) -> Iterator[str]:
    """Each document's rows against the lines that it holds."""
    parts = payload.get("parts") or ()
    held = {f"/parts/{n}/sent": [lines[at - 1] for at in part["positions"]] for n, part in enumerate(parts)}
    for at, document in documents_of(payload).items():
        if at == "/document" and parts:
            continue  # it is the first of the parts
        yield from _rows(rows_of(document, "Items"), held.get(at, lines), at)


def _rows(rows: Sequence[Json], lines: Sequence[Json], at: str) -> Iterator[str]:
    if len(rows) != len(lines):
        yield f"{at}/Items has {len(rows)} rows, /lines {len(lines)}"
        return
    for number, (row, line) in enumerate(zip(rows, lines, strict=True)):
        name, amount = f"{at}/Items/{number}", number_of(row.get("Amount"))
        if amount != Decimal(line["amount"]):
            yield f"{name}/Amount is {row.get('Amount')}, the line's amount {line['amount']}: change both"
        if row.get("Item") != line["item"]:
            yield f"{name}/Item is {row.get('Item')}, the line's item {line['item']}: change both"
        if not _multiplies(row, amount):
            yield f"{name}: Quantity × Price less Discount does not come to its Amount"


def _multiplies(row: Json, amount: Decimal | None) -> bool:
    quantity, price = number_of(row.get("Quantity")), number_of(row.get("Price"))
    if quantity is None or price is None or amount is None:
        return True  # `odd_texts` names it, or the row has no such field
    discount = number_of(row.get("Discount", "0")) or Decimal(0)
    return to_tetri(quantity * price) - discount == amount
