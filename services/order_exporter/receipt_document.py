"""A payment receipt as JSON for Balance, and the events about it.

The fields of Bank Order and Cash Income Order are not published (Balance fact 50). The names here are those of the same
fields in other documents; `balance.dialect.field-names` renames each ("BankOrder.Amount" = "…").
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from contracts.ledger import PaymentPlanned, SalePlanned, SaleRecorded
from contracts.shop import OrderChanged
from services.accounting.documents import figures
from services.accounting.documents.ids import receipt_uid
from services.accounting.documents.payments import Payment, fee_of
from services.order_exporter.tasks import ReceiptTask
from services.settings.balance import BalanceSettings
from services.settings.orders import PaymentMethod

FROM_SALE = ("Branch", "Department", "Agreement", "Currency", "CurrencyRate", "ReceivablesAccount")
"""The fields that a receipt copies from its Sale."""


def receipt_task(
    payment: Payment,
    order: OrderChanged,
    sale: SaleRecorded | SalePlanned,
    method: PaymentMethod,
    balance: BalanceSettings,
) -> ReceiptTask:
    """The receipt of a payment for this Sale."""
    uid, fee = receipt_uid(order.shop, order.order_id, payment.name), fee_of(payment, method)
    dialect = balance.dialect
    return ReceiptTask(
        shop=order.shop,
        order_id=order.order_id,
        payment=payment.name,
        receipt=uid,
        resource=dialect.bank_receipt_resource if method.document == "bank" else dialect.cash_receipt_resource,
        sale=sale.sale,
        client=sale.client,
        date=payment.day,
        amount=payment.amount,
        fee=fee,
        currency=sale.currency,
        method=payment.method,
        reference=payment.reference,
        document=_document(uid, payment, fee, order, sale, method, balance),
    )


def _document(
    uid: str,
    payment: Payment,
    fee: Decimal,
    order: OrderChanged,
    sale: SaleRecorded | SalePlanned,
    method: PaymentMethod,
    balance: BalanceSettings,
) -> dict[str, Any]:
    fields = {
        "uid": uid,
        "Date": figures.midnight(payment.day),
        "OperationType": balance.dialect.lists.receipt_operation,
        "BaseDocument": sale.sale,
        "Client": sale.client,
        "Amount": figures.amount(payment.amount),
        "PaymentType": method.type,
        "PaymentAccount": method.account,
        "FeeAmount": figures.amount(fee) if fee else None,
        "FeeAccount": method.fee_account if fee else None,
        "PrimaryDocument": order.number,
        "Comments": _comment(payment, order),
    }
    return figures.without_empty(fields | {name: sale.sent.get(name) for name in FROM_SALE})


def _comment(payment: Payment, order: OrderChanged) -> str:
    what = "given back for" if payment.amount < 0 else "payment of"
    parts = (f"{what} order {order.number}, shop {order.shop}", payment.method, payment.reference)
    return " | ".join(part for part in parts if part)[: figures.COMMENT_LIMIT]


def payment_content(task: ReceiptTask) -> dict[str, Any]:
    """The fields that `PaymentPlanned` and `PaymentRecorded` have in common."""
    return {**task.model_dump(exclude={"document"}), "sent": task.document}


def receipt_planned(task: ReceiptTask, now: datetime) -> PaymentPlanned:
    """The plan of a receipt: the whole payload as it would be sent."""
    return PaymentPlanned(**payment_content(task), planned_at=now)
