"""A credit note as Balance wants to be told it (balance-api 2.10)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from contracts.ledger import RecordedLine
from contracts.reasons import Reason
from services.accounting.documents import written
from services.accounting.documents.unbookable import required
from services.refund_exporter.basis import Basis, BasisLine
from services.settings.balance import ListTexts

AS_ON_SALE = {
    "Warehouse": "Warehouse",
    "Branch": "Branch",
    "Agreement": "Agreement",
    "Department": "Department",
    "PriceType": "PriceType",
    "Currency": "Currency",
    "ReceivablesAccount": "CustomersAccount",
    "PrimaryDocument": "PrimaryDocument",
    "VATTaxable": "VATtaxable",
    "VATArticle": "VATarticle",
}
"""Fields that a credit note takes from its Sale: name there → name here (API fact: they differ)."""
LINE_AS_ON_SALE = {
    "VATRate": "VATrate",
    "AccountNumber": "AccountingAccount",
    "IncomeAccount": "RevenueAccount",
    "VATPayableAccount": "VATAccount",
    "ExpensesAccount": "ExpensesAccount",
}
AMOUNT_AS_ON_SALE = {"VATRate": "VATrate", "IncomeAccount": "RevenueAccount", "VATPayableAccount": "VATAccount"}
"""A service item for amounts has no stock: the goods' inventory and cost accounts are not its own."""


@dataclass(frozen=True, slots=True)
class Wording:
    """Of which Sale and in which words the document is written."""

    uid: str
    date: str
    comment: str
    basis: Basis
    lists: ListTexts
    rate: Decimal | None = None


def brings_goods_back(lines: Sequence[RecordedLine]) -> bool:
    """Whether this is a return; where only money is given back it is a price correction, which moves no stock."""
    return any(line.kind == "product" and line.quantity > 0 for line in lines)


def as_written(
    lines: Sequence[RecordedLine], is_return: bool, amount_item: str | None, shop: str
) -> tuple[RecordedLine, ...]:
    """The lines as the document can hold them: a return has no line of goods without a quantity (API fact), so that
    money on goods that stay with the buyer stands under the service item for amounts.

    Raises `Unbookable` when that item is needed and not set.
    """
    return tuple(_on_service(line, amount_item, shop) if is_return and _is_money(line) else line for line in lines)


def _is_money(line: RecordedLine) -> bool:
    return line.kind == "product" and not line.quantity


def _on_service(line: RecordedLine, amount_item: str | None, shop: str) -> RecordedLine:
    purpose = "a refund gives goods back and, besides, money on goods that stay with the buyer"
    item = required(amount_item, shop, "amount-item", purpose, Reason.REFUND_SETTING_MISSING)
    return line.model_copy(update={"kind": "amount", "item": item})


def document_quantity(line: RecordedLine, basis: Basis) -> Decimal:
    """The quantity in the document: what came back; where only the price is corrected, what it is corrected on."""
    if line.quantity:
        return line.quantity
    sold = _sold(line, basis)
    return sold.recorded.quantity if line.kind == "product" and sold else Decimal(1)


def credit_document(lines: Sequence[RecordedLine], wording: Wording) -> dict[str, Any]:
    """The JSON of a credit note with these lines."""
    operation = wording.lists.return_operation if brings_goods_back(lines) else wording.lists.correction_operation
    fields = {
        "uid": wording.uid,
        "Date": written.midnight(wording.date),
        "OperationType": operation,
        "BaseDocument": wording.basis.sale,
        "Client": wording.basis.client,
        "Rate": written.number(wording.rate) if wording.rate else None,
        "AmountIncludesVAT": "true",
        "Comments": wording.comment,
    }
    same = {here: wording.basis.header.get(there) for there, here in AS_ON_SALE.items()}
    rows = [_row(number, line, wording.basis) for number, line in enumerate(lines, start=1)]
    return written.without_empty(fields | same) | {"Items": rows}


def _row(number: int, line: RecordedLine, basis: Basis) -> dict[str, Any]:
    like, quantity = _like(line, basis), document_quantity(line, basis)
    fields = {
        "BaseDocument": (like.recorded.balance_line_uid if line.sale_line else None) or basis.sale,
        "Number": str(number),
        "Item": line.item,
        "Quantity": written.number(quantity),
        "Price": written.unit_price(line.amount, quantity),
        "Amount": written.amount(line.amount),
        "AmountIncludingVAT": written.amount(line.amount),
        "VAT": written.amount(line.vat),
    }
    names = AMOUNT_AS_ON_SALE if line.kind == "amount" else LINE_AS_ON_SALE
    same = {here: like.sent.get(there) for there, here in names.items()}
    return written.without_empty(fields | same)


def _sold(line: RecordedLine, basis: Basis) -> BasisLine | None:
    return basis.lines[line.sale_line - 1] if line.sale_line else None


def _like(line: RecordedLine, basis: Basis) -> BasisLine:
    """The Sale's line that this takes back, or for an amount one that was sold at the same rate."""
    same_rate = (each for each in basis.lines if each.recorded.vat_percent == line.vat_percent)
    return _sold(line, basis) or next(same_rate)
