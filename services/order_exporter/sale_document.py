"""A Sale as JSON for Balance (Balance fact 47): header, template, payment, lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contracts.balance import Accounts
from services.accounting.documents import figures
from services.order_exporter.sale import Sale
from services.order_exporter.sale_lines import SaleLine
from services.settings.balance import BalanceSettings, Dialect, Template
from services.settings.orders import STORE_CREDIT, OrderSettings

NO_ACCOUNTS = Accounts()
WAYBILL = {None: "", True: "waybill by Balance", False: "no waybill from Balance: it is issued elsewhere"}
"""Who issues the waybill (claim I12): never Davtari, and Balance only once."""


def sale_document(
    sale: Sale, client: str, accounts: Mapping[str, Accounts], settings: OrderSettings, balance: BalanceSettings
) -> dict[str, Any]:
    """The JSON of a Sale for this client uid. `accounts`: the default postings of the items, by item uid."""
    rows = [_row(line, accounts.get(line.item, NO_ACCOUNTS), settings, balance.template) for line in sale.lines]
    header = _header(sale, client, balance) | document_flags(sale, settings, balance.dialect)
    return header | _payment(sale, settings) | {"Items": rows}


def document_flags(sale: Sale, settings: OrderSettings, dialect: Dialect) -> dict[str, bool]:
    """Whether the document is posted, and whether Balance issues the waybill, if Balance has fields for that."""
    found = {dialect.posted_field: settings.document_state == "posted"} if dialect.posted_field else {}
    if dialect.waybill_field and sale.waybill is not None:
        found[dialect.waybill_field] = sale.waybill
    return found


def _header(sale: Sale, client: str, balance: BalanceSettings) -> dict[str, Any]:
    lists = balance.dialect.lists
    fields = {
        "uid": sale.uid,
        "Date": figures.midnight(sale.date),
        "Warehouse": sale.warehouse,
        "Client": client,
        "Currency": sale.currency_uid,
        "CurrencyRate": figures.number(sale.rate) if sale.rate else None,
        "AmountIncludesVAT": True,
        "VATTaxable": lists.vat_taxable,
        "OperationType": lists.sale_operation,
        "VATArticle": lists.sale_vat_article,
        "PrimaryDocument": sale.order_number,
        "Comments": comment(sale, balance.dialect),
    }
    return figures.without_empty(fields | _template(balance.template))


def _payment(sale: Sale, settings: OrderSettings) -> dict[str, Any]:
    """What was paid, if the method is mapped; the gateway's reference is in the comment (claim S0.13)."""
    amounts = ((STORE_CREDIT, sale.store_credit), (sale.payment_method, sale.paid))
    rows = [
        {"PaymentType": posting.type, "PaymentAccount": posting.account, "Amount": figures.amount(amount)}
        for method, amount in amounts
        if amount and (posting := settings.payments.get(method))
    ]
    return {"Payment": rows} if rows else {}


def _template(template: Template) -> dict[str, Any]:
    return {
        "ReceivablesAccount": template.receivables_account,
        "RevenueAccount": template.revenue_account,
        "Department": template.department,
        "Branch": template.branch,
        "Agreement": template.agreement,
        "CashRegister": template.cash_register,
        **template.extra,
    }


def _row(line: SaleLine, accounts: Accounts, settings: OrderSettings, template: Template) -> dict[str, Any]:
    fields = {
        "Item": line.item,
        "Quantity": figures.number(line.quantity),
        **_figures(line, settings),
        "VATRate": line.vat_rate,
        "AccountNumber": accounts.inventories,
        "ExpensesAccount": accounts.expenses,
        "IncomeAccount": accounts.revenues or template.revenue_account,
        "VATPayableAccount": accounts.vat_payable,
    }
    return figures.without_empty(fields)


def _figures(line: SaleLine, settings: OrderSettings) -> dict[str, str]:
    """Price and amount; with `price-as = "price-and-discount"` the full price and the discount (claim S3.46)."""
    discount = line.undiscounted - line.amount
    if settings.price_as == "discounted" or discount <= 0:
        return {"Price": figures.unit_price(line.amount, line.quantity), "Amount": figures.amount(line.amount)}
    full = figures.unit_price(line.undiscounted, line.quantity)
    return {"Price": full, "Discount": figures.amount(discount), "Amount": figures.amount(line.amount)}


def comment(sale: Sale, dialect: Dialect) -> str:
    """The comment in the document: order, payment, coupons, waybill, remark."""
    parts = [
        f"Order {sale.order_number}, shop {sale.shop}",
        sale.payment_method,
        f"transaction {sale.transaction_id}" if sale.transaction_id else "",
        f"coupons {', '.join(sale.coupons)}" if sale.coupons else "",
        "" if dialect.waybill_field else WAYBILL[sale.waybill],
        sale.remark,
    ]
    return " | ".join(part for part in parts if part)[: figures.COMMENT_LIMIT]
