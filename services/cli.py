"""The `davtari` command."""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from contracts.operations import CommandSettled, DeadLettered, ImportRequested, PushRequested
from services.commands import (
    alerts,
    ask,
    contracts,
    dead_letters,
    explain,
    letters,
    moment,
    panels,
    passport,
    payloads,
    push,
    run,
    show,
    status,
    stock,
    sync_matrix,
    topics,
)
from services.commands.approvals.app import approvals_app, approve_app
from services.commands.backfill.app import app as backfill_app
from services.commands.check import systems
from services.commands.day_close.app import day_close_app
from services.commands.drift.app import drift_command
from services.commands.events.app import app as events_app
from services.commands.failing import FAILED, WRONG_SETTINGS
from services.commands.frame import Chosen, DryRun, Json, Patience, answered, command, settings
from services.commands.freshness import feed_ages, punctuality
from services.commands.freshness_lines import lines
from services.commands.helpers.app import helpers_command, opening_stock_command
from services.commands.init import dialogue
from services.commands.links.app import app as links_app
from services.commands.mapping import app as mapping_app
from services.commands.payment import payment_command
from services.commands.plans import app as plans_app
from services.commands.registry import OPTIONAL, SERVICES, wanted
from services.commands.screen import as_json, console, errors
from services.commands.shops import identity
from services.commands.shops.app import app as shops_app
from services.demo.story import demo as tell_demo
from services.sandbox.command import cli as sandbox_cli
from services.shared import logs
from services.shared.messaging.reader import read_events

app = typer.Typer(no_args_is_help=True, help="Davtari joins Balance with WooCommerce shops.", rich_markup_mode="rich")
topics_app = typer.Typer(no_args_is_help=True, help="The Kafka topics.")
app.add_typer(topics_app, name="topics", rich_help_panel=panels.SETUP)
app.add_typer(dead_letters.app, name="dead-letters", rich_help_panel=panels.MANUAL)
app.add_typer(events_app, name="events", rich_help_panel=panels.LOOK)
app.add_typer(contracts.app, name="contracts", rich_help_panel=panels.SETUP)
app.add_typer(plans_app.app, name="plan", rich_help_panel=panels.LOOK)
app.add_typer(mapping_app.app, name="mapping", rich_help_panel=panels.MANUAL)
app.command(name="apply", rich_help_panel=panels.MANUAL)(plans_app.apply_command)
app.add_typer(approvals_app, name="approvals", rich_help_panel=panels.LOOK)
app.add_typer(approve_app, name="approve", rich_help_panel=panels.MANUAL)
app.command(name="payment", rich_help_panel=panels.MANUAL)(payment_command)
app.add_typer(backfill_app, name="backfill", rich_help_panel=panels.MANUAL)
app.add_typer(day_close_app, name="day-close", rich_help_panel=panels.LOOK)
app.add_typer(alerts.app, name="alerts", rich_help_panel=panels.SETUP)
app.add_typer(shops_app, name="shop", rich_help_panel=panels.SETUP)
app.add_typer(links_app, name="links", rich_help_panel=panels.MANUAL)
app.command(name="drift", rich_help_panel=panels.LOOK)(drift_command)
app.command(name="helpers", rich_help_panel=panels.SETUP)(helpers_command)
app.command(name="opening-stock", rich_help_panel=panels.SETUP)(opening_stock_command)
app.add_typer(sandbox_cli, name="sandbox", rich_help_panel=panels.TRY)

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


@app.command(name="init", rich_help_panel=panels.SETUP)
@command
async def init_command(
    path: Annotated[Path, typer.Option(help="Where to write it.")] = Path("davtari.toml"),
    guided: Annotated[
        bool | None, typer.Option(help="Ask step by step and try each answer; usual on a terminal.")
    ] = None,
) -> int:
    """Write a commented settings file to start from; on a terminal, ask for what belongs in it."""
    return await dialogue.init(path, guided=sys.stdin.isatty() if guided is None else guided)


@app.command(name="check", rich_help_panel=panels.SETUP)
@command
async def check_command(
    what: Annotated[Literal["everything", "taxes"], typer.Argument(help="`taxes`: rate by rate.")] = "everything",
    mend: Annotated[bool, typer.Option("--mend", help="Make topics and webhooks, and switch webhooks on.")] = False,
    json: Json = False,
) -> int:
    """Find what is wrong in Kafka, Balance, the shops or the settings, and say what mends it."""
    chosen = settings()
    found = await (systems.check_taxes(chosen) if what == "taxes" else systems.check(chosen, mend=mend))
    forbidden = systems.forbidden(found, chosen)
    if json:
        as_json({"systems": [asdict(checked) for checked in found], "cannot_go_live": forbidden})
    else:
        show.checked(found, forbidden)
    return 0 if all(checked.ok for checked in found) else FAILED


@app.command(name="sync-matrix", rich_help_panel=panels.LOOK)
@command
async def sync_matrix_command(
    json: Json = False, markdown: Annotated[bool, typer.Option("--markdown", help="A Markdown table.")] = False
) -> int:
    """What is synchronised, in which direction, when and in which mode, as the settings say."""
    sync_matrix.told(settings(), as_data=json, as_markdown=markdown)
    return 0


@topics_app.command(name="create")
@command
async def topics_create(
    mend: Annotated[bool, typer.Option("--mend", help="Set retention and the like where they differ.")] = False,
) -> int:
    """Create the topics of the manifest that are missing; name those that are there and differ."""
    return await topics.create(settings().kafka, mend=mend)


@app.command(rich_help_panel=panels.RUN)
@command
async def up() -> int:
    """Run all services in this process, until SIGTERM or Ctrl-C."""
    chosen = settings()
    await run.until_signalled(wanted(chosen), chosen, supervised=True)
    return 0


@app.command(name="run", rich_help_panel=panels.RUN)
@command
async def run_command(service: Annotated[str, typer.Argument(help=", ".join((*SERVICES, *OPTIONAL)))]) -> int:
    """Run one service in this process, until SIGTERM or Ctrl-C."""
    if service not in (*SERVICES, *OPTIONAL):
        errors.print(f"[red]there is no service {service!r}: {', '.join((*SERVICES, *OPTIONAL))}[/]")
        return WRONG_SETTINGS
    await run.until_signalled([service], settings(), supervised=False)
    return 0


@app.command(name="import", rich_help_panel=panels.MANUAL)
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


@app.command(name="push", rich_help_panel=panels.MANUAL)
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


@app.command(name="order", rich_help_panel=panels.LOOK)
@command
async def order_command(
    shop: str,
    order_id: int,
    at: Annotated[str, typer.Option("--at", help="What was known then: 2h (ago), 2026-11-20T10:03 (UTC).")] = "",
    documents: Annotated[bool, typer.Option("--documents", help="Its documents whole, as JSON.")] = False,
    json: Json = False,
) -> int:
    """Everything known about an order, in time order."""
    until = moment.moment(at, datetime.now(UTC)) if at else None
    known = [envelope async for envelope in read_events(settings().kafka, passport.TOPICS)]
    envelopes = [envelope for envelope in known if until is None or envelope.time <= until]
    if documents:
        as_json({"documents": payloads.payloads(f"{shop}:{order_id}", envelopes)})
        return 0
    found = passport.passport(f"{shop}:{order_id}", envelopes)
    if found is None:
        errors.print(f"nothing is known of order {order_id} of shop {shop}; davtari push order {shop} {order_id}")
        return FAILED
    as_json(asdict(found)) if json else show.passport(found)
    return 0


@app.command(name="stock", rich_help_panel=panels.LOOK)
@command
async def stock_command(shop: str, sku: str, json: Json = False) -> int:
    """Why a shop shows this figure for a product, line by line. SKU: or the item's uid."""
    envelopes = [envelope async for envelope in read_events(settings().kafka, stock.TOPICS)]
    found = stock.explained(shop, sku, envelopes)
    if found is None:
        errors.print(f"shop {shop} sells nothing under {sku} that is linked to Balance; davtari import items")
        return FAILED
    as_json(asdict(found)) if json else stock.show(found)
    return 0


@app.command(name="status", rich_help_panel=panels.LOOK)
@command
async def status_command(json: Json = False) -> int:
    """What each service has still to read, what waits to be delivered, what needs a person, how fresh all is."""
    chosen = settings()
    found, lettered = await status.standings(chosen), await letters.all_letters(chosen.kafka)
    waiting = [letter for letter in lettered.values() if letter.open]
    now = datetime.now(UTC)
    shops = await identity.identities(chosen)
    ages, punctual = feed_ages(chosen, now), punctuality(chosen, now)
    if json:
        as_json(
            {
                "services": [asdict(one) for one in found],
                "feeds": [asdict(one) for one in ages],
                "paid_orders": [asdict(one) for one in punctual],
                "shops": {name: identity.as_data(one) for name, one in shops.items()},
                "dead_letters_open": len(waiting),
            }
        )
    else:
        show.standings(found, waiting)
        for line in [*identity.lines(shops), *lines(ages, punctual)]:
            console.print(line, soft_wrap=True)
    return 0


@app.command(name="explain", rich_help_panel=panels.LOOK)
@command
async def explain_command(
    code: Annotated[str | None, typer.Argument()] = None,
    language: Annotated[Literal["en", "ka"], typer.Option("--lang")] = "en",
    json: Json = False,
) -> int:
    """What a reason code means: cause, effect, fix, who mends it. Without a code: all of them."""
    explain.explain(code, language, json=json)
    return 0


@app.command(name="demo", rich_help_panel=panels.TRY)
@command
async def demo_command(
    keep: Keep = False,
) -> int:
    """Run the whole product against sandboxes of Balance and WooCommerce, and tell what happens."""
    return await tell_demo(keep=keep)
