"""`davtari payment`: money for an order has arrived, which the shop does not know of (claim S0.13)."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated

import typer

from contracts.money import is_whole_tetri
from contracts.operations import PaymentReceived
from services.cli import ask, moment
from services.cli.frame import DryRun, Json, Patience, Shop, answered, chosen_shop, command, settings
from services.cli.screen import console
from services.engine.runtime.tbilisi import local_date

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
    chosen = settings()
    entered = PaymentReceived(
        shop=chosen_shop(chosen, shop),
        order_id=order_id,
        date=day_of(day, datetime.now(UTC)),
        amount=amount_of(amount),
        method=method,
        reference=reference,
        dry_run=dry_run,
        **ask.stamp(),
    )
    with console.status(f"entering the payment of order {order_id}…"):
        answer = await ask.ask(chosen, entered, patience)
    return answered(answer, json)


def amount_of(text: str) -> Decimal:
    """The amount in a text: above zero, in whole tetri. Raises typer's `BadParameter`."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal(0)
    if not amount.is_finite() or amount <= 0 or not is_whole_tetri(amount):
        raise typer.BadParameter(f"{text!r} is no amount; write 120.00", param_hint="--amount")
    return amount


def day_of(text: str, now: datetime) -> str:
    """The day in a text, or today in Tbilisi. Raises `InvalidTime`."""
    return moment.day(text).isoformat() if text else local_date(now)
