"""Which payments become documents of their own in Balance, and on which accounts."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Literal

from pydantic import Field

from services.settings.amount import Amount
from services.settings.base import Section


class PaymentMethod(Section):
    """How the money of one payment method arrives, as Balance's administrator books it."""

    document: Literal["bank", "cash"] = Field(
        default="bank", description="which of `balance.dialect`'s two receipts it becomes"
    )
    account: str = Field(min_length=1, description="PaymentAccount: where the money arrives")
    type: str | None = Field(default=None, description="PaymentType, where Balance asks for one")
    settled: Literal["paid", "completed", "remitted", "never"] = Field(
        default="paid",
        description="when the money is there: once the order is paid, or completed; when a person says so with "
        "`davtari payment` (a courier's remittance, an invoice); never, if others book it",
    )
    after_days: int = Field(default=0, ge=0, le=90, description="so many days later: a bank that pays instalments out")
    fee_percent: Amount = Field(default=Decimal(0), ge=0, lt=100, description="what gateway or bank keep of it")
    fee_fixed: Amount = Field(default=Decimal(0), ge=0, description="and besides, in the order's currency")
    fee_account: str | None = Field(default=None, description="FeeAccount: where their fee is booked")


class PaymentSettings(Section):
    """Receipts; none is made before `flows.payments` says so."""

    since: date | None = Field(default=None, description="the first day (in Tbilisi) whose payments become receipts")
    methods: dict[str, PaymentMethod] = Field(default_factory=dict, description="WooCommerce payment method → rules")
    refunded: Literal["nothing", "negative"] = Field(
        default="nothing", description="money given back: left to the bank statement, or a receipt below zero"
    )
