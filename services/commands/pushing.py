"""`davtari push`."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from contracts.operations import CommandSettled, DeadLettered, PushRequested
from services.commands import ask, passport
from services.commands.codes import FAILED, WRONG_SETTINGS
from services.commands.frame import DryRun, Json, Patience, command, settings
from services.commands.push import push
from services.commands.screen import as_json, console, errors


@command
async def push_command(
    document: Literal["order", "refund"],
    shop: str,
    order_id: int,
    refund_id: Annotated[int | None, typer.Argument()] = None,
    dry_run: DryRun = False,
    patience: Patience = 60.0,
    json: Json = False,
) -> int:
    """Export one order or refund now. Always safe: what is in the books is not written again."""
    if document == "refund" and refund_id is None:
        errors.print("[red]davtari push refund SHOP ORDER REFUND: the refund's number is missing[/]")
        return WRONG_SETTINGS
    asked = PushRequested(
        document=document, shop=shop, order_id=order_id, refund_id=refund_id, dry_run=dry_run, **ask.stamp()
    )
    with console.status(f"pushing {document} {order_id}…"):
        settled = await push(settings(), asked, patience)
    as_json(settled.content()) if json else console.print(passport.said(settled), soft_wrap=True)
    return FAILED if isinstance(settled, DeadLettered | CommandSettled) else 0
