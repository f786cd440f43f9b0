"""The fields of documents, as the Exchange service names them, and how written values are read."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

HEADER_NAMES = """
    uid Number Date PaymentDate VATTaxable OperationType VATArticle Warehouse Client Agreement Branch Department
    CashRegister Currency CurrencyRate PriceType AmountIncludesVAT ReceivablesAccount RevenueAccount AdvancesAccount
    ExpensesAccount VATAccount VATExpenseAccount DifferenceAccount ReceivablesWriteoffAccount DoesNotAffectReceivables
    SubjetToIncomeTax TheMarketPriceShouldAppearInTheInvoice PrimaryDocument Comments RevenuesAndExpensesAnalytics
    AutomaticReservation ComponentsReservation
    BaseDocument Multiplicity Rate CustomersAccount DebtRepaymentAccount DownPaymentAccount NonOperatingIncomeAccount
    VATFinancialExpenseAccount AdditionalDetails Payment PaidDownPayments GiftCertificates Others Items
    Amount PaymentType PaymentAccount FeeAmount FeeAccount
"""
LINE_NAMES = """
    uid Number Content Item Quantity Price Amount Discount DiscountedPrice Unit Series VATRate VAT AmountIncludingVAT
    VATArticle AccountNumber AccountingAccount ExpensesAccount IncomeAccount RevenueAccount VATPayableAccount VATAccount
    StringCode SalesOrder Reserve Specification Consultant RevenuesAndExpensesAnalytics BaseDocument Cost Excise
"""
HEADER = frozenset(HEADER_NAMES.split())
LINE = frozenset(LINE_NAMES.split())
PLACES = {
    "Quantity": 3, "Reserve": 3, "Price": 4, "DiscountedPrice": 4, "Amount": 2, "Discount": 2,
    "VAT": 2, "AmountIncludingVAT": 2, "Cost": 2, "Excise": 2,
}  # fmt: skip
"""Figures and how many decimals Balance keeps of them (inferred from the platform's number types)."""

MOMENTS = frozenset({"Date", "PaymentDate"})
NUMBER = re.compile(r"-?\d+(\.\d+)?")
MOMENT = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d)?")


def canonical(known: frozenset[str]) -> dict[str, str]:
    """Names by their lower-case form: letter case does not matter on write (inferred from the platform)."""
    return {name.lower(): name for name in known}


PROPER_HEADER = canonical(HEADER)
PROPER_LINE = canonical(LINE)


def figure(name: str, written: Any) -> Decimal:
    """A number as it is written: text with a dot, or a JSON number; kept with the field's decimals.

    Raises ValueError for anything else: `"12,5"`, `"1E+2"`, `true`, `"1 234.5"`.
    """
    text = str(written)
    if isinstance(written, bool) or not NUMBER.fullmatch(text):
        raise ValueError(f"{text} is no number")
    return Decimal(text).quantize(Decimal(1).scaleb(-PLACES.get(name, 2)), ROUND_HALF_UP)


def moment(written: Any) -> datetime:
    """A date as it is written: `YYYY-MM-DDTHH:MM:SS` or `YYYY-MM-DD`, Tbilisi time without zone; ValueError else."""
    if not MOMENT.fullmatch(str(written)):
        raise ValueError(f"{written} is no date")
    return datetime.fromisoformat(str(written))


def flag(written: Any) -> bool:
    """A boolean as it is written: true or "true"; everything else is false."""
    return str(written).lower() == "true"
