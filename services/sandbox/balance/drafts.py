"""Reads documents as they were sent: canonical field names, parsed values, and the errors found."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import orjson

from services.sandbox.balance.errors import ExchangeRefusal, error_text
from services.sandbox.balance.record import Row, is_empty
from services.sandbox.balance.settings import BalanceSandboxSettings

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
DECIMALS = {
    "Quantity": 3, "Reserve": 3, "Price": 4, "DiscountedPrice": 4, "Amount": 2, "Discount": 2,
    "VAT": 2, "AmountIncludingVAT": 2, "Cost": 2, "Excise": 2,
}  # fmt: skip
"""Figures and how many decimals Balance keeps of them (inferred from the platform's number types)."""

DATES = frozenset({"Date", "PaymentDate"})
NUMBER_PATTERN = re.compile(r"-?\d+(\.\d+)?")
DATE_PATTERN = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d)?")


def by_lower_case(known: frozenset[str]) -> dict[str, str]:
    """Names by their lower-case form: letter case does not matter on write (inferred from the platform)."""
    return {name.lower(): name for name in known}


PROPER_HEADER = by_lower_case(HEADER)
PROPER_LINE = by_lower_case(LINE)


def parse_figure(name: str, written: Any) -> Decimal:
    """A number as it is written: text with a dot, or a JSON number; kept with the field's decimals.

    Raises ValueError for anything else: `"12,5"`, `"1E+2"`, `true`, `"1 234.5"`.
    """
    text = str(written)
    if isinstance(written, bool) or not NUMBER_PATTERN.fullmatch(text):
        raise ValueError(f"{text} is no number")
    return Decimal(text).quantize(Decimal(1).scaleb(-DECIMALS.get(name, 2)), ROUND_HALF_UP)


def parse_date(written: Any) -> datetime:
    """A date as it is written: `YYYY-MM-DDTHH:MM:SS` or `YYYY-MM-DD`, Tbilisi time without zone; ValueError else."""
    if not DATE_PATTERN.fullmatch(str(written)):
        raise ValueError(f"{written} is no date")
    return datetime.fromisoformat(str(written))


def parse_flag(written: Any) -> bool:
    """A boolean as it is written: true or "true"; everything else is false."""
    return str(written).lower() == "true"


@dataclass
class DocumentDraft:
    """A document before posting; `faults` are Balance's texts about what is wrong with it."""

    language: str
    header: Row = field(default_factory=dict)
    lines: list[Row] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def fault(self, key: str, **values: Any) -> None:
        """Notes a fault by the key of its text."""
        self.faults.append(error_text(self.language, key, **values))


def parse_body(body: bytes, settings: BalanceSandboxSettings) -> list[Row]:
    """Parses the records of a body. Raises `ExchangeRefusal` unless it is an array of objects (Balance fact 8)."""
    try:
        sent = orjson.loads(body)
    except orjson.JSONDecodeError:
        sent = None
    if not isinstance(sent, list) or not sent or not all(isinstance(each, dict) for each in sent):
        raise ExchangeRefusal(settings.rules.error_status, [error_text(settings.dialect.language, "array")])
    return sent


def read_draft(sent: Mapping[str, Any], settings: BalanceSandboxSettings) -> DocumentDraft:
    """Reads one document. `Items` become lines; other tabular parts stay in the header as they are."""
    draft = DocumentDraft(settings.dialect.language)
    strict = settings.dialect.unknown_fields == "refused"
    posted = settings.dialect.posted_field
    known = {**PROPER_HEADER, **({posted.lower(): posted} if posted else {})}
    draft.header = read_fields(sent, known, draft, strict)
    read_dates(draft)
    lines = read_table(draft, draft.header.pop("Items", None) or [])
    draft.lines = [read_line(each, number, draft, strict) for number, each in enumerate(lines, start=1)]
    return draft


def read_table(draft: DocumentDraft, sent: Any) -> list[Row]:
    """The rows of a tabular part; a fault when it is none."""
    if isinstance(sent, list) and all(isinstance(each, dict) for each in sent):
        return sent
    draft.fault("array")
    return []


def read_fields(sent: Mapping[str, Any], names: Mapping[str, str], draft: DocumentDraft, strict: bool) -> Row:
    """The known fields under their proper names; the others are dropped, or faults when `strict`."""
    row = {}
    for written, value in sent.items():
        name = names.get(written.lower())
        if name is not None:
            row[name] = "" if value is None else value
        elif strict:
            draft.fault("field", field=written)
    return row


def read_dates(draft: DocumentDraft) -> None:
    """Turns the header's dates into moments."""
    for name in DATES & draft.header.keys():
        read_into(draft.header, name, lambda _, value: parse_date(value), lambda **at: draft.fault("date", **at))


def read_line(sent: Mapping[str, Any], number: int, draft: DocumentDraft, strict: bool) -> Row:
    """One line, its figures read."""
    row = read_fields(sent, PROPER_LINE, draft, strict)
    for name in DECIMALS.keys() & row.keys():
        read_into(row, name, parse_figure, lambda **at: draft.fault("number", line=number, **at))
    return row


def read_into(row: Row, name: str, reader: Callable[[str, Any], Any], complain: Callable[..., None]) -> None:
    """Replaces a field's written value by what it means; an empty or unreadable one leaves the row."""
    written = row.pop(name)
    if is_empty(written):
        return
    try:
        row[name] = reader(name, written)
    except ValueError:
        complain(field=name, value=written)
