"""`davtari alerts test`: sends a test message to the recipients of alerts."""

from __future__ import annotations

from typing import Annotated
from uuid import uuid4

import typer

from services.alerts.deliveries import RecipientAddress
from services.alerts.message import compose_test
from services.cli.command import FAILED, WRONG_SETTINGS, DryRun, Json, command, read_settings
from services.cli.screen import compose, console, format_mark, print_failure, print_json
from services.settings.alerts import AlertSettings, RecipientSettings

app = typer.Typer(no_args_is_help=True, help="Test the delivery of alerts.")
Recipients = Annotated[list[str] | None, typer.Argument(help="Names in alerts.recipients. (default: all of them)")]


@app.callback()
def alerts() -> None:
    """Test the delivery of alerts."""


@app.command(name="test")
@command
async def alerts_test(recipients: Recipients = None, dry_run: DryRun = False, json: Json = False) -> int:
    """Send a test message to each recipient, even if alerts run in dry run."""
    known = _recipients(read_settings().alerts)
    chosen = recipients or list(known)
    if wrong := _unknown_recipient(chosen, list(known)):
        print_failure(wrong)
        return WRONG_SETTINGS
    arrived = {name: await _send_test(name, known[name], dry_run=dry_run) for name in chosen}
    if json:
        print_json([{"recipient": name, "sent": ok and not dry_run, "ok": ok} for name, ok in arrived.items()])
    else:
        for name, ok in arrived.items():
            text = _describe(name, known[name], ok, dry_run=dry_run)
            console.print(compose("  ", format_mark(ok), f" {text}"), soft_wrap=True)
    return 0 if all(arrived.values()) else FAILED


def _recipients(alerts: AlertSettings | None) -> dict[str, RecipientSettings]:
    return alerts.recipients if alerts else {}


def _unknown_recipient(chosen: list[str], known: list[str]) -> str:
    """What is wrong with the chosen names; empty if nothing is."""
    if not known:
        return "The settings have no alerts.recipients. Add one with its url-file."
    missing = [name for name in chosen if name not in known]
    return f"Unknown recipient {missing[0]!r}. Recipients: {', '.join(known)}" if missing else ""


async def _send_test(name: str, recipient: RecipientSettings, *, dry_run: bool) -> bool:
    """Send a test message, except in a dry run. Returns whether it was accepted."""
    address = RecipientAddress(name, recipient.url(name))
    return dry_run or await address.send(compose_test(recipient.language), f"test:{uuid4()}", resolved=True)


def _describe(name: str, recipient: RecipientSettings, ok: bool, *, dry_run: bool) -> str:
    what = f"{name}   {', '.join(recipient.roles)} · {recipient.language}"
    if not ok:
        return f"{what}   failed. Check the URL in {recipient.url_file}, and that its host can be reached from here."
    return f"{what}   " + ("address is valid; nothing was sent" if dry_run else "sent")
