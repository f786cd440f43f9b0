"""The `davtari` command."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from services.cli.command import GlobalOptions
from services.cli.lazy import MenuEntry, lazy_group
from services.engine.telemetry import logs

# All commands of `davtari`, by panel, with what `davtari --help` says of each.

# The headings under which `davtari --help` lists its commands: all manual actions stand in one place (claim S2.25).

MANUAL = "Manual actions"
LOOK = "Look"
SETUP = "Set up"
RUN = "Run"
TRY = "Try out"


MENU = (
    MenuEntry(
        "init",
        SETUP,
        "cli.init.app:init_command",
        "Write a commented settings file to start from; on a terminal, ask for what belongs in it.",
    ),
    MenuEntry(
        "check",
        SETUP,
        "cli.check.app:check_command",
        "Find what is wrong in Kafka, Balance, the shops or the settings, and how to fix it.",
    ),
    MenuEntry("topics", SETUP, "cli.topics:app", "The Kafka topics."),
    MenuEntry("shop", SETUP, "cli.shop_identity:app", "Which shop is known, and whether another one answers."),
    MenuEntry(
        "helpers",
        SETUP,
        "cli.required_records:helpers_command",
        "What this shop's documents need in Balance: retail client, service items, VAT. Nothing is made unasked.",
    ),
    MenuEntry(
        "opening-stock",
        SETUP,
        "cli.opening_stock:opening_stock_command",
        "Write a shop's stock as CSV for the accountant, who enters it in Balance. Nothing is posted.",
    ),
    MenuEntry(
        "shipping",
        SETUP,
        "cli.rules:shipping_command",
        "The shop's shipping zones and methods with what the rules make of them, and the table of zones to paste.",
    ),
    MenuEntry(
        "learn-sale",
        SETUP,
        "cli.learn_sale:learn_sale_command",
        "Read a hand-made Sale and propose the settings that make ours like it. Writes nothing.",
    ),
    MenuEntry("alerts", SETUP, "cli.alerts:app", "Messages to those who are to be told."),
    MenuEntry("contracts", SETUP, "cli.contracts:app", "The schemas of the events."),
    MenuEntry("up", RUN, "cli.run:up", "Run all services in this process, until SIGTERM or Ctrl-C."),
    MenuEntry("run", RUN, "cli.run:run_command", "Run one service in this process, until SIGTERM or Ctrl-C."),
    MenuEntry(
        "status",
        LOOK,
        "cli.status:status_command",
        "What each service has still to read, what waits to be delivered, what needs a person, how fresh all is.",
    ),
    MenuEntry("order", LOOK, "cli.orders.app:order_command", "Everything known about an order, in time order."),
    MenuEntry("rules", LOOK, "cli.rules:rules_app", "Rules: which document an order becomes, from where, when."),
    MenuEntry(
        "orders",
        LOOK,
        "cli.orders.app:orders_command",
        "How every order stands: in the books, held, watched until its trigger, or with a person.",
    ),
    MenuEntry(
        "stock",
        LOOK,
        "cli.stock:stock_command",
        "Why a shop shows this figure for a product, line by line, beside the figure of now. SKU: or the item's uid.",
    ),
    MenuEntry("plan", LOOK, "cli.plans.app:app", "What would be done in a shop, before it is done."),
    MenuEntry(
        "day-close",
        LOOK,
        "cli.day_close.app:day_close_app",
        "Compare a day in the shop, the topics and the books. Sign it, or list every difference.",
    ),
    MenuEntry("approvals", LOOK, "cli.approvals:approvals_app", "Documents that wait for the accountant's approval."),
    MenuEntry(
        "drift",
        LOOK,
        "cli.drift:drift_command",
        "List product fields that differ in the shop from what Davtari wrote, and what the settings do about it.",
    ),
    MenuEntry("events", LOOK, "cli.events.app:app", "Follow, export and replay the events of the topics."),
    MenuEntry(
        "sync-matrix",
        LOOK,
        "cli.sync_matrix:sync_matrix_command",
        "What is synchronised, in which direction, when and in which mode, as the settings say.",
    ),
    MenuEntry(
        "explain",
        LOOK,
        "cli.explain:explain_command",
        "What a reason code means: cause, effect, fix, who resolves it. Without a code: all of them.",
    ),
    MenuEntry(
        "import",
        MANUAL,
        "cli.import_data:import_command",
        "Read Balance now (discounts: the prices with them); or make clients of a shop's customers that gave a number.",
    ),
    MenuEntry("export", MANUAL, "cli.clients.bulk:export_app", "Create records in a shop from records in Balance."),
    MenuEntry(
        "clients",
        MANUAL,
        "cli.clients.app:app",
        "The clients of buyers in Balance: list, merge, resolve conflicts of contacts.",
    ),
    MenuEntry(
        "push",
        MANUAL,
        "cli.push:push_command",
        "Export one order or refund now, or plan a return request. Always safe: nothing is written twice.",
    ),
    MenuEntry(
        "payment",
        MANUAL,
        "cli.payment:payment_command",
        "Enter a payment: a courier's remittance, a bank transfer, cash. The same one entered twice is one receipt.",
    ),
    MenuEntry(
        "apply",
        MANUAL,
        "cli.plans.app:apply_command",
        "Have a plan carried out, exactly as it was shown. Can be interrupted and repeated.",
    ),
    MenuEntry(
        "approve",
        MANUAL,
        "cli.approvals:approve_app",
        "Approve a document, every document of a shape, or an item.",
    ),
    MenuEntry(
        "propose",
        MANUAL,
        "cli.propose:propose_app",
        "Propose products that only the shop has as items of Balance; nothing is written there.",
    ),
    MenuEntry("mapping", MANUAL, "cli.mapping:app", "Which groups of Balance a shop sells, and in which category."),
    MenuEntry("links", MANUAL, "cli.links.app:app", "Which Balance item is which product."),
    MenuEntry("backfill", MANUAL, "cli.backfill.app:app", "Find what is missing in the books, and export it."),
    MenuEntry(
        "forget",
        MANUAL,
        "cli.forget.app:forget_command",
        "Erase a buyer's personal data from Davtari. Documents and the client in Balance are kept.",
    ),
    MenuEntry(
        "dead-letters", MANUAL, "cli.dead_letters.app:app", "Records and deliveries that only a person can resolve."
    ),
    MenuEntry(
        "demo",
        TRY,
        "demo.scenario:demo_command",
        "Run all services against sandboxes of Balance and WooCommerce and show each step.",
    ),
    MenuEntry("sandbox", TRY, "sandbox.command:cli", "Sandboxes of the two upstream systems, with faults on demand."),
)


app = typer.Typer(
    cls=lazy_group(MENU),
    no_args_is_help=True,
    help="Davtari joins Balance with WooCommerce shops.",
    rich_markup_mode="rich",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"davtari {version('davtari')}")
        raise typer.Exit


Version = Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")]


@app.callback()
def main(
    context: typer.Context,
    settings_file: Annotated[Path, typer.Option("--settings", envvar="DAVTARI_SETTINGS")] = Path("davtari.toml"),
    log_level: Annotated[str | None, typer.Option(envvar="DAVTARI_LOG_LEVEL")] = None,
    log_json: Annotated[bool, typer.Option("--log-json", envvar="DAVTARI_LOG_JSON")] = False,
    _: Version = False,
) -> None:
    """Davtari joins Balance with WooCommerce shops."""
    GlobalOptions.settings_file = settings_file
    long_running = context.invoked_subcommand in ("up", "run")
    logs.configure(log_level or ("INFO" if long_running else "CRITICAL"), as_json=log_json)
