"""`davtari payment`: records a payment that the shop does not know of (claim S0.13)."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated

import typer

from contracts.money import is_whole_tetri
from contracts.operations import PaymentReceived
from services.cli import requests, times
from services.cli.command import DryRun, Json, OrderId, Patience, Shop, command, read_settings, select_shop, show_answer
from services.cli.screen import console
from services.engine.clock import local_date

Day = Annotated[str, typer.Option("--date", help="The day of payment, such as 2026-11-20. (default: today)")]
AmountText = Annotated[str, typer.Option("--amount", help="The amount in the order's currency, such as 120.00.")]
Method = Annotated[str, typer.Option("--method", help="The payment method, if it differs from the order's.")]
Reference = Annotated[
    str, typer.Option("--reference", help="The reference of the bank or courier; distinguishes equal payments.")
]


@command
async def payment_command(
    order_id: OrderId,
    amount: AmountText,
    shop: Shop = "",
    day: Day = "",
    method: Method = "",
    reference: Reference = "",
    dry_run: DryRun = False,
    patience: Patience = 60.0,
    json: Json = False,
) -> int:
    """Record a payment that the shop does not know: a courier's remittance, a bank transfer, cash.

    The same payment recorded twice gives one receipt."""
    chosen = read_settings()
    payment = PaymentReceived(
        shop=select_shop(chosen, shop),
        order_id=order_id,
        date=parse_day(day, datetime.now(UTC)),
        amount=parse_amount(amount),
        method=method,
        reference=reference,
        dry_run=dry_run,
        **requests.command_header(),
    )
    with console.print_status(f"Recording the payment of order {order_id}…"):
        answer = await requests.request(chosen, payment, patience)
    return show_answer(answer, json)


def parse_amount(text: str) -> Decimal:
    """Parse an amount: positive, in whole tetri. Raises `typer.BadParameter`."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal(0)
    if not amount.is_finite() or amount <= 0 or not is_whole_tetri(amount):
        raise typer.BadParameter(f"Invalid amount {text!r}; write 120.00", param_hint="--amount")
    return amount


def parse_day(text: str, now: datetime) -> str:
    """Parse a day; today in Tbilisi if the text is empty. Raises `InvalidTime`."""
    return times.parse_date(text).isoformat() if text else local_date(now)
