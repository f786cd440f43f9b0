"""The fields of our documents for Balance, and unknown fields of edited payloads by their JSON pointers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

HEADER = frozenset(
    {
        "uid", "Date", "Warehouse", "Client", "Currency", "CurrencyRate", "Rate", "AmountIncludesVAT", "VATTaxable",
        "VATtaxable", "VATArticle", "VATarticle", "OperationType", "PrimaryDocument", "BaseDocument", "Comments",
        "ReceivablesAccount", "RevenueAccount", "CustomersAccount", "Department", "Branch", "Agreement",
        "CashRegister", "PriceType", "AutomaticReservation", "Amount", "PaymentType", "PaymentAccount", "FeeAmount",
        "FeeAccount", "Payment", "Items",
    }
)  # fmt: skip
ROWS: Mapping[str, frozenset[str]] = {
    "Items": frozenset(
        {
            "Number", "Item", "Quantity", "Price", "Discount", "Amount", "AmountIncludingVAT", "VAT", "VATRate",
            "VATrate", "AccountNumber", "AccountingAccount", "ExpensesAccount", "IncomeAccount", "RevenueAccount",
            "VATPayableAccount", "VATAccount", "BaseDocument", "Reserve",
        }
    ),
    "Payment": frozenset({"PaymentType", "PaymentAccount", "Amount"}),
}  # fmt: skip
FREE = ("document", "sent", "person")
"""Parts of a payload that a model lets through as they are; `unknown_in_document` looks at the documents."""


def unknown_in_payload(given: Any, modelled: Any, at: str = "") -> Iterator[str]:
    """What a payload has and its model does not."""
    if isinstance(given, Mapping) and isinstance(modelled, Mapping):
        for name, value in given.items():
            if name not in modelled:
                yield f"{at}/{name}"
            elif name not in FREE:
                yield from unknown_in_payload(value, modelled[name], f"{at}/{name}")
    elif isinstance(given, list) and isinstance(modelled, list):
        for number, pair in enumerate(zip(given, modelled, strict=False)):
            yield from unknown_in_payload(*pair, f"{at}/{number}")


def unknown_in_document(
    made: Mapping[str, Any], before: Mapping[str, Any], more: frozenset[str], at: str
) -> Iterator[str]:
    """What a document has, and neither our documents nor this one before. `more`: the fields that settings name."""
    yield from (f"{at}/{name}" for name in made if name not in HEADER | more | before.keys())
    for table, names in ROWS.items():
        had = {name for row in rows_of(before, table) for name in row}
        for number, row in enumerate(rows_of(made, table)):
            yield from (f"{at}/{table}/{number}/{name}" for name in row if name not in names | had)


def rows_of(document: Mapping[str, Any], table: str) -> list[Mapping[str, Any]]:
    """The rows of a table of a document; what is no row counts as an empty one."""
    rows = document.get(table)
    return [row if isinstance(row, Mapping) else {} for row in rows] if isinstance(rows, list) else []


def documents_of(payload: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The documents of a payload by their pointers: one, or one for each warehouse, of which the first is the same."""
    found = {"/document": payload["document"]} if isinstance(payload.get("document"), dict) else {}
    parts = payload.get("parts") or ()
    return found | {f"/parts/{number}/sent": part["sent"] for number, part in enumerate(parts)}
