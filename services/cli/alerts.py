"""`davtari alerts`: whether messages reach those who are to be told."""

from __future__ import annotations

from typing import Annotated
from uuid import uuid4

import typer

from services.alerts.deliveries import RecipientAddress
from services.alerts.message import compose_test
from services.cli.command import FAILED, WRONG_SETTINGS, DryRun, Json, command, read_settings
from services.cli.screen import console, errors, format_mark, print_json
from services.settings.alerts import AlertSettings, RecipientSettings

app = typer.Typer(no_args_is_help=True, help="Messages to those who are to be told.")
Recipients = Annotated[list[str] | None, typer.Argument(help="Names in alerts.recipients.  [default: all of them]")]


@app.callback()
def alerts() -> None:
    """Messages to those who are to be told."""


@app.command(name="test")
@command
async def alerts_test(recipients: Recipients = None, dry_run: DryRun = False, json: Json = False) -> int:
    """Send a test message to each recipient, also in a dry run of the service."""
    known = _known(read_settings().alerts)
    chosen = recipients or list(known)
    if wrong := _wrong(chosen, list(known)):
        errors.print(wrong, style="red", markup=False, soft_wrap=True)
        return WRONG_SETTINGS
    arrived = {name: await _try(name, known[name], dry_run=dry_run) for name in chosen}
    if json:
        print_json([{"recipient": name, "sent": ok and not dry_run, "ok": ok} for name, ok in arrived.items()])
    else:
        for name, ok in arrived.items():
            console.print(f"  {format_mark(ok)} {_told(name, known[name], ok, dry_run=dry_run)}", soft_wrap=True)
    return 0 if all(arrived.values()) else FAILED


def _known(alerts: AlertSettings | None) -> dict[str, RecipientSettings]:
    return alerts.recipients if alerts else {}


def _wrong(chosen: list[str], known: list[str]) -> str:
    """Why these recipients cannot be told; nothing if they can."""
    if not known:
        return "nobody is to be told: the settings hold no alerts.recipients; name one with its url-file"
    missing = [name for name in chosen if name not in known]
    return f"there is no recipient {missing[0]!r} in alerts.recipients: {', '.join(known)}" if missing else ""


async def _try(name: str, recipient: RecipientSettings, *, dry_run: bool) -> bool:
    """Open the address and, unless it is a dry run, send; whether it took the message."""
    address = RecipientAddress(name, recipient.url(name))
    return dry_run or await address.send(compose_test(recipient.language), f"test:{uuid4()}", resolved=True)


def _told(name: str, recipient: RecipientSettings, ok: bool, *, dry_run: bool) -> str:
    what = f"{name}   {', '.join(recipient.roles)} · {recipient.language}"
    if not ok:
        return f"{what}   not taken: is the URL in {recipient.url_file} right, and can its host be reached from here?"
    return f"{what}   " + ("its address can be used; nothing was sent" if dry_run else "sent")
