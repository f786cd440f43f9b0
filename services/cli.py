"""The `davtari` command."""

from __future__ import annotations

from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

import typer

from contracts.operations import CommandSettled, DeadLettered, ImportRequested, PushRequested
from services.commands import ask, check, contracts, dead_letters, events, letters, passport, push, run, show, status
from services.commands.failing import FAILED, WRONG_SETTINGS
from services.commands.frame import Chosen, DryRun, Json, Patience, answered, command, settings
from services.commands.registry import SERVICES
from services.commands.screen import as_json, console, errors
from services.demo.story import demo as tell_demo
from services.shared import logs
from services.shared.messaging.reader import read_events
from services.shared.messaging.topics import create_topics

app = typer.Typer(no_args_is_help=True, help="Davtari joins Balance with WooCommerce shops.", rich_markup_mode="rich")
topics_app = typer.Typer(no_args_is_help=True, help="The Kafka topics.")
app.add_typer(topics_app, name="topics")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(events.app, name="events")
app.add_typer(contracts.app, name="contracts")

Keep = Annotated[bool, typer.Option(help="Leave everything running until Ctrl-C.")]


@app.callback()
def main(
    context: typer.Context,
    settings_file: Annotated[Path, typer.Option("--settings", envvar="DAVTARI_SETTINGS")] = Path("davtari.toml"),
    log_level: Annotated[str | None, typer.Option(envvar="DAVTARI_LOG_LEVEL")] = None,
    log_json: Annotated[bool, typer.Option("--log-json", envvar="DAVTARI_LOG_JSON")] = False,
) -> None:
    """Davtari joins Balance with WooCommerce shops."""
    Chosen.settings_file = settings_file
    long_running = context.invoked_subcommand in ("up", "run")
    logs.configure(log_level or ("INFO" if long_running else "CRITICAL"), as_json=log_json)


@app.command()
def init(path: Annotated[Path, typer.Option(help="Where to write it.")] = Path("davtari.toml")) -> None:
    """Write a commented settings file to start from."""
    if path.exists():
        errors.print(f"[red]{path} is there already; it is not overwritten.[/]")
        raise typer.Exit(FAILED)
    path.write_text(files("services.commands").joinpath("template.toml").read_text(encoding="utf-8"), encoding="utf-8")
    console.print(f"{path} written. Fill in the connections, then: davtari --settings {path} check", soft_wrap=True)


@app.command(name="check")
@command
async def check_command(json: Json = False) -> int:
    """Find what is wrong in Kafka, Balance, the shops or the settings, and say what mends it."""
    found = await check.check(settings())
    if json:
        as_json([asdict(checked) for checked in found])
    else:
        show.checked(found)
    return 0 if all(checked.ok for checked in found) else FAILED


@topics_app.command(name="create")
@command
async def topics_create() -> int:
    """Create the topics of the manifest that are missing."""
    made = await create_topics(settings().kafka)
    console.print(f"{len(made)} topics created" + (f": {', '.join(made)}" if made else "; all were there"))
    return 0


@app.command()
@command
async def up() -> int:
    """Run all services in this process, until SIGTERM or Ctrl-C."""
    chosen = settings()
    await create_topics(chosen.kafka)
    await run.until_signalled(SERVICES, chosen, supervised=True)
    return 0


@app.command(name="run")
@command
async def run_command(service: Annotated[str, typer.Argument(help=", ".join(SERVICES))]) -> int:
    """Run one service in this process, until SIGTERM or Ctrl-C."""
    if service not in SERVICES:
        errors.print(f"[red]there is no service {service!r}: {', '.join(SERVICES)}[/]")
        return WRONG_SETTINGS
    await run.until_signalled([service], settings(), supervised=False)
    return 0


@app.command(name="import")
@command
async def import_command(
    resource: Literal["items", "prices", "stock"],
    dry_run: DryRun = False,
    accept_loss: Annotated[bool, typer.Option(help="Believe a snapshot that loses many records.")] = False,
    patience: Patience = 300.0,
    json: Json = False,
) -> int:
    """Read items, prices or stock from Balance now."""
    asked = ImportRequested(resource=resource, dry_run=dry_run, accept_loss=accept_loss, **ask.stamp())
    with console.status(f"reading {resource} from Balance…"):
        answer = await ask.ask(settings(), asked, patience)
    return answered(answer, json)


@app.command(name="push")
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
        settled = await push.push(settings(), asked, patience)
    as_json(settled.content()) if json else console.print(passport.said(settled), soft_wrap=True)
    return FAILED if isinstance(settled, DeadLettered | CommandSettled) else 0


@app.command(name="order")
@command
async def order_command(shop: str, order_id: int, json: Json = False) -> int:
    """Everything known about an order, in time order."""
    envelopes = [envelope async for envelope in read_events(settings().kafka, passport.TOPICS)]
    found = passport.passport(f"{shop}:{order_id}", envelopes)
    if found is None:
        errors.print(f"nothing is known of order {order_id} of shop {shop}; davtari push order {shop} {order_id}")
        return FAILED
    as_json(asdict(found)) if json else show.passport(found)
    return 0


@app.command(name="status")
@command
async def status_command(json: Json = False) -> int:
    """What each service has still to read, what waits to be delivered, what needs a person."""
    chosen = settings()
    found, lettered = await status.standings(chosen), await letters.all_letters(chosen.kafka)
    waiting = [letter for letter in lettered.values() if letter.open]
    if json:
        as_json({"services": [asdict(one) for one in found], "dead_letters_open": len(waiting)})
    else:
        show.standings(found, waiting)
    return 0


@app.command(name="demo")
@command
async def demo_command(
    keep: Keep = False,
) -> int:
    """Run the whole product against sandboxes of Balance and WooCommerce, and tell what happens."""
    return await tell_demo(keep=keep)
