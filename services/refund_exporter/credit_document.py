"""A credit note as JSON for Balance: header, lines, and the exchange rate at which it is booked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from contracts.ledger import RateSource, RecordedLine
from contracts.reasons import Reason
from services.accounting.documents import figures
from services.accounting.documents.unbookable import require_setting
from services.refund_exporter.sale_basis import BasisLine, SaleBasis
from services.settings.balance import BalanceSettings, ListTexts
from services.settings.orders import OrderSettings

FROM_SALE = {
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
"""Fields that a credit note copies from its Sale: name in the Sale → name in the credit note (Balance fact 39)."""
LINE_FROM_SALE = {
    "VATRate": "VATrate",
    "AccountNumber": "AccountingAccount",
    "IncomeAccount": "RevenueAccount",
    "VATPayableAccount": "VATAccount",
    "ExpensesAccount": "ExpensesAccount",
}
AMOUNT_FROM_SALE = {"VATRate": "VATrate", "IncomeAccount": "RevenueAccount", "VATPayableAccount": "VATAccount"}
"""A service item for amounts has no stock, so the inventory and cost accounts of the goods are left out."""
Rate = tuple[Decimal | None, RateSource | None]
"""An exchange rate and who states it; neither if Balance is to use its own."""


@dataclass(frozen=True, slots=True)
class NoteHeader:
    """The header of the document: its uid, date and comment, and the Sale that it credits."""

    uid: str
    date: str
    comment: str
    basis: SaleBasis
    lists: ListTexts
    rate: Decimal | None = None


def note_rate(basis: SaleBasis, settings: OrderSettings, balance: BalanceSettings) -> Rate:
    """The exchange rate of a credit note: that of its Sale, or the one in the settings (claim K23)."""
    if settings.refund_rate == "sale" and basis.rate is not None:
        return basis.rate, "sale"
    fixed = balance.currency_rates.get(basis.currency)
    return (None, None) if fixed is None else (fixed, "setting")


def brings_goods_back(lines: Sequence[RecordedLine]) -> bool:
    """Whether this is a return; if only money is given back, it is a price correction, which moves no stock."""
    return any(line.kind == "product" and line.quantity > 0 for line in lines)


def to_document_lines(
    lines: Sequence[RecordedLine], is_return: bool, amount_item: str | None, shop: str
) -> tuple[RecordedLine, ...]:
    """The lines as the document can contain them.

    A line of a return needs a quantity (Balance fact 41), so money for goods that the buyer keeps is put on the
    service item for amounts. Raises `Unbookable` if that item is needed and not set.
    """
    return tuple(_on_service_item(line, amount_item, shop) if is_return and _is_money(line) else line for line in lines)


def _is_money(line: RecordedLine) -> bool:
    return line.kind == "product" and not line.quantity


def _on_service_item(line: RecordedLine, amount_item: str | None, shop: str) -> RecordedLine:
    purpose = "a refund gives back goods and also money for goods that the buyer keeps"
    item = require_setting(amount_item, shop, "amount-item", purpose, Reason.REFUND_SETTING_MISSING)
    return line.model_copy(update={"kind": "amount", "item": item})


def document_quantity(line: RecordedLine, basis: SaleBasis) -> Decimal:
    """The quantity in the document: what came back, or for a price correction the quantity that it corrects."""
    if line.quantity:
        return line.quantity
    sold = _sold_line(line, basis)
    return sold.recorded.quantity if line.kind == "product" and sold else Decimal(1)


def credit_document(lines: Sequence[RecordedLine], header: NoteHeader) -> dict[str, Any]:
    """The JSON of a credit note with these lines."""
    operation = header.lists.return_operation if brings_goods_back(lines) else header.lists.correction_operation
    fields = {
        "uid": header.uid,
        "Date": figures.midnight(header.date),
        "OperationType": operation,
        "BaseDocument": header.basis.sale,
        "Client": header.basis.client,
        "Rate": figures.number(header.rate) if header.rate else None,
        "AmountIncludesVAT": "true",
        "Comments": header.comment,
    }
    copied = {name: header.basis.header.get(sale_name) for sale_name, name in FROM_SALE.items()}
    rows = [_row(number, line, header.basis) for number, line in enumerate(lines, start=1)]
    return figures.without_empty(fields | copied) | {"Items": rows}


def _row(number: int, line: RecordedLine, basis: SaleBasis) -> dict[str, Any]:
    model, quantity = _model_line(line, basis), document_quantity(line, basis)
    fields = {
        "BaseDocument": (model.recorded.balance_line_uid if line.sale_line else None) or basis.sale,
        "Number": str(number),
        "Item": line.item,
        "Quantity": figures.number(quantity),
        "Price": figures.unit_price(line.amount, quantity),
        "Amount": figures.amount(line.amount),
        "AmountIncludingVAT": figures.amount(line.amount),
        "VAT": figures.amount(line.vat),
    }
    names = AMOUNT_FROM_SALE if line.kind == "amount" else LINE_FROM_SALE
    copied = {name: model.sent.get(sale_name) for sale_name, name in names.items()}
    return figures.without_empty(fields | copied)


def _sold_line(line: RecordedLine, basis: SaleBasis) -> BasisLine | None:
    return basis.lines[line.sale_line - 1] if line.sale_line else None


def _model_line(line: RecordedLine, basis: SaleBasis) -> BasisLine:
    """The Sale's line that this one credits; for an amount, a line that was sold at the same rate."""
    same_rate = (each for each in basis.lines if each.recorded.vat_percent == line.vat_percent)
    return _sold_line(line, basis) or next(same_rate)
