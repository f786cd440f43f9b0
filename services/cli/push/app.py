"""`davtari push`."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from contracts.operations import CommandSettled, DeadLettered, PushRequested
from services.cli import requests
from services.cli.command import (
    FAILED,
    WRONG_SETTINGS,
    DryRun,
    Json,
    Patience,
    Shop,
    command,
    read_settings,
    select_shop,
    show_answer,
)
from services.cli.order.said import said
from services.cli.push import return_request
from services.cli.push.pushing import push
from services.cli.screen import console, errors, print_json

Number = Annotated[
    str | None,
    typer.Argument(
        metavar="[REFUND|REQUEST]", help="The refund's number; or a return request's, where the order has several."
    ),
]


@command
async def push_command(
    document: Literal["order", "refund", "return-request"],
    order_id: int,
    number: Number = None,
    shop: Shop = "",
    dry_run: DryRun = False,
    patience: Patience = 60.0,
    json: Json = False,
) -> int:
    """Export one order or refund now, or plan a return request. Always safe: nothing is written twice.

    A return-request is read where shops.SHOP.returns says; the credit note that it would become is planned and shown,
    and nothing is written: the shop's refund gets its own credit note later. A dry run keeps no plan.
    """
    chosen = read_settings()
    shop = select_shop(chosen, shop)
    if document == "return-request":
        return await _return_request(shop, order_id, number, dry_run, patience, json)
    if document == "refund" and not (number and number.isdecimal()):
        errors.print("[red]The refund's number is missing: davtari push refund ORDER REFUND[/]")
        return WRONG_SETTINGS
    refund_id = int(number) if number and number.isdecimal() else None
    asked = PushRequested(
        document=document,
        shop=shop,
        order_id=order_id,
        refund_id=refund_id,
        dry_run=dry_run,
        **requests.command_header(),
    )
    with console.status(f"pushing {document} {order_id}…"):
        settled = await push(chosen, asked, patience)
    print_json(settled.content()) if json else console.print(said(settled), soft_wrap=True)
    return FAILED if isinstance(settled, DeadLettered | CommandSettled) else 0


async def _return_request(
    shop: str, order_id: int, request: str | None, dry_run: bool, patience: float, json: bool
) -> int:
    with console.status(f"reading the return request of order {order_id}…"):
        chosen = read_settings()
        asked = await return_request.read(chosen, shop, order_id, request, dry_run=dry_run)
        found = await return_request.push(chosen, asked, patience)
    if isinstance(found, CommandSettled):
        return show_answer(found, json)
    print_json(found.content()) if json else return_request.show(found)
    return 0
