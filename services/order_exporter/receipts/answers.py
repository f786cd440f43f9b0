"""What a person is told who has entered a payment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Literal

from contracts.operations import CommandSettled, PaymentReceived
from services.accounting.documents.unbookable import Unbookable
from services.engine.clock import local_date
from services.order_exporter.projection import SERVICE
from services.order_exporter.receipts.ledger import Payments
from services.order_exporter.receipts.payment import entered_by, mapped
from services.settings.shop import ShopSettings

Verdict = tuple[Literal["done", "refused"], str]


def owed(
    asked: Sequence[PaymentReceived], shop: ShopSettings, payments: Payments | None, now: datetime
) -> tuple[CommandSettled, ...]:
    """The answers to these entries. `payments` is None where the order is not known, or the flow is off."""
    return tuple(_answer(each, _verdict(each, shop, payments, now), now) for each in asked)


def _verdict(command: PaymentReceived, shop: ShopSettings, payments: Payments | None, now: datetime) -> Verdict:
    if shop.flows.payments == "off":
        return "refused", f'shops.{command.shop}.flows.payments is "off": no receipt is made'
    if payments is None:
        return (
            "refused",
            f"the order is not known here: davtari push order {command.order_id} --shop {command.shop} reads it",
        )
    if problem := _problem(command, shop, payments):
        return "refused", problem
    return "done", _how_it_goes_on(command, shop, payments, now)


def _problem(command: PaymentReceived, shop: ShopSettings, payments: Payments) -> str:
    """Why there can be no receipt; empty when there can."""
    payment = entered_by(command, payments.order)
    try:
        mapped(payment.method, payments.order, shop.payments)
    except Unbookable as error:
        return error.detail
    others = sum((each.amount for each in payments.of_people() if each.name != payment.name), Decimal(0))
    stated = sum((each.amount for name, each in payments.receipts.items() if name == "order"), Decimal(0))
    left = payments.total - others - stated
    fits = payment.name in payments.receipts or payment.amount <= left
    return "" if fits else f"the order comes to {payments.total}, of which {max(left, Decimal(0))} is left to be paid"


def _how_it_goes_on(command: PaymentReceived, shop: ShopSettings, payments: Payments, now: datetime) -> str:
    if entered_by(command, payments.order).name in payments.receipts:
        return "this payment has its receipt already"
    if command.dry_run or shop.flows.payments == "dry-run":
        return "planned; nothing is written to Balance" if payments.sale else "cannot be planned before its Sale is"
    if not payments.is_sold:
        return "waits: its order has no Sale in Balance yet"
    return "on its way to Balance" if command.date <= local_date(now) else f"its receipt goes on {command.date}"


def _answer(command: PaymentReceived, verdict: Verdict, now: datetime) -> CommandSettled:
    what = f"payment of {command.amount} for order {command.order_id} of shop {command.shop}"
    return CommandSettled(
        command_id=command.command_id,
        service=SERVICE,
        outcome=verdict[0],
        detail=f"{what}: {verdict[1]}",
        settled_at=now,
    )
