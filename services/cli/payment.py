"""`davtari payment`: money for an order has arrived, which the shop does not know of (claim S0.13)."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated

import typer

from contracts.money import is_whole_tetri
from contracts.operations import PaymentReceived
from services.cli import requests, times
from services.cli.command import DryRun, Json, Patience, Shop, command, read_settings, select_shop, show_answer
from services.cli.screen import console
from services.engine.clock import local_date

Day = Annotated[str, typer.Option("--date", help="The day it arrived, as 2026-11-20; today if it is left out.")]
AmountText = Annotated[str, typer.Option("--amount", help="How much, in the order's currency: 120.00.")]
Method = Annotated[str, typer.Option("--method", help="How it was paid, if not as the order says.")]
Reference = Annotated[
    str, typer.Option("--reference", help="What bank or courier call it; tells equal payments apart.")
]


@command
async def payment_command(
    order_id: int,
    amount: AmountText,
    shop: Shop = "",
    day: Day = "",
    method: Method = "",
    reference: Reference = "",
    dry_run: DryRun = False,
    patience: Patience = 60.0,
    json: Json = False,
) -> int:
    """Enter a payment: a courier's remittance, a bank transfer, cash. The same one entered twice is one receipt."""
    chosen = read_settings()
    entered = PaymentReceived(
        shop=select_shop(chosen, shop),
        order_id=order_id,
        date=parse_day(day, datetime.now(UTC)),
        amount=parse_amount(amount),
        method=method,
        reference=reference,
        dry_run=dry_run,
        **requests.command_header(),
    )
    with console.status(f"entering the payment of order {order_id}…"):
        answer = await requests.request(chosen, entered, patience)
    return show_answer(answer, json)


def parse_amount(text: str) -> Decimal:
    """The amount in a text: above zero, in whole tetri. Raises typer's `BadParameter`."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal(0)
    if not amount.is_finite() or amount <= 0 or not is_whole_tetri(amount):
        raise typer.BadParameter(f"{text!r} is no amount; write 120.00", param_hint="--amount")
    return amount


def parse_day(text: str, now: datetime) -> str:
    """The day in a text, or today in Tbilisi. Raises `InvalidTime`."""
    return times.parse_date(text).isoformat() if text else local_date(now)
