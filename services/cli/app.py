"""The `davtari` command."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from services.cli.command import GlobalOptions
from services.cli.lazy import MenuEntry, lazy_group
from services.cli.screen import print_line
from services.engine.telemetry import logs

MANUAL = "Manual actions"
LOOK = "Inspect"
SETUP = "Set up"
RUN = "Run"
TRY = "Try out"
"""The headings of `davtari --help`; all manual actions are under one of them (claim S2.25)."""

MENU = (
    MenuEntry(
        "init",
        SETUP,
        "cli.init.app:init_command",
        "Write a commented settings file; on a terminal, ask for each value and test it.",
    ),
    MenuEntry(
        "check",
        SETUP,
        "cli.check.app:check_command",
        "Find what is wrong in Kafka, Balance, the shops or the settings, and how to fix it.",
    ),
    MenuEntry(
        "command-keys",
        SETUP,
        "cli.command_keys:command_keys_command",
        "Create the keys that sign commands, and print the settings that are still to be added.",
    ),
    MenuEntry("topics", SETUP, "cli.topics:app", "Create the Kafka topics and check their configuration."),
    MenuEntry("rights", SETUP, "cli.rights.app:app", "Who may read and write which topic on Kafka."),
    MenuEntry("shop", SETUP, "cli.shop_identity:app", "Show which shop is connected, or confirm a moved shop."),
    MenuEntry(
        "helpers",
        SETUP,
        "cli.required_records:helpers_command",
        "List what a shop's documents need in Balance: the retail client, service items, VAT rates.",
    ),
    MenuEntry(
        "opening-stock",
        SETUP,
        "cli.opening_stock:opening_stock_command",
        "Export a shop's stock as CSV for the accountant to enter in Balance. Nothing is posted.",
    ),
    MenuEntry(
        "shipping",
        SETUP,
        "cli.rules:shipping_command",
        "List the shop's shipping methods with the rules for each, and its zones as settings to paste.",
    ),
    MenuEntry(
        "learn-sale",
        SETUP,
        "cli.learn_sale:learn_sale_command",
        "Propose settings from a Sale that was entered by hand in Balance. Writes nothing.",
    ),
    MenuEntry("alerts", SETUP, "cli.alerts:app", "Test the delivery of alerts."),
    MenuEntry("console", SETUP, "cli.console.app:app", "Add and change the people who may use the console's pages."),
    MenuEntry("contracts", SETUP, "cli.contracts:app", "Compare event schemas between releases."),
    MenuEntry("up", RUN, "cli.run:up", "Run all services in this process until SIGTERM or Ctrl-C."),
    MenuEntry("run", RUN, "cli.run:run_command", "Run one service in this process until SIGTERM or Ctrl-C."),
    MenuEntry(
        "status",
        LOOK,
        "cli.status:status_command",
        "Show the backlog of each service, what needs a person, and how fresh the data is.",
    ),
    MenuEntry("order", LOOK, "cli.orders.app:order_command", "Show everything known about an order, in order of time."),
    MenuEntry("rules", LOOK, "cli.rules:rules_app", "Show the order rules and what they decide."),
    MenuEntry(
        "orders",
        LOOK,
        "cli.orders.app:orders_command",
        "List the state of every order: in the books, on hold, not due yet, or needing a person.",
    ),
    MenuEntry(
        "stock",
        LOOK,
        "cli.stock:stock_command",
        "Explain the stock figure of a product (SKU or item uid) line by line.",
    ),
    MenuEntry("plan", LOOK, "cli.plans.app:app", "Show what would change in a shop before anything is written."),
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
        "Show what the settings synchronise, in which direction, when and in which mode.",
    ),
    MenuEntry(
        "explain",
        LOOK,
        "cli.explain:explain_command",
        "Explain a reason code: cause, effect, fix, and who resolves it. Without a code, list all.",
    ),
    MenuEntry(
        "import",
        MANUAL,
        "cli.import_data:import_command",
        "Read items, prices, stock or discounts from Balance now, or create clients for a shop's customers.",
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
        "Export one order or refund now, or plan a return request. Safe to repeat.",
    ),
    MenuEntry(
        "payment",
        MANUAL,
        "cli.payment:payment_command",
        "Record a payment that the shop does not know: a courier's remittance, a bank transfer, cash.",
    ),
    MenuEntry(
        "apply",
        MANUAL,
        "cli.plans.app:apply_command",
        "Carry out a plan exactly as it was shown. Can be interrupted and repeated.",
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
        "Propose products that only the shop has as items for Balance. Nothing is written to Balance.",
    ),
    MenuEntry("mapping", MANUAL, "cli.mapping:app", "Map groups of Balance to categories of a shop."),
    MenuEntry("links", MANUAL, "cli.links.app:app", "Show and change which Balance item is which product."),
    MenuEntry("backfill", MANUAL, "cli.backfill.app:app", "Find what is missing in the books, and export it."),
    MenuEntry(
        "person",
        LOOK,
        "cli.person.app:app",
        "Export what is held about a person, or erase people whose retention has ended.",
    ),
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
    help="Davtari connects Balance accounting with WooCommerce shops.",
    rich_markup_mode="rich",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print_line(f"davtari {version('davtari')}")
        raise typer.Exit


SettingsFile = Annotated[Path, typer.Option("--settings", envvar="DAVTARI_SETTINGS", help="The settings file.")]
LogLevel = Annotated[str | None, typer.Option(envvar="DAVTARI_LOG_LEVEL", help="DEBUG, INFO, WARNING or ERROR.")]
LogJson = Annotated[bool, typer.Option("--log-json", envvar="DAVTARI_LOG_JSON", help="Log as JSON.")]
Version = Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")]


@app.callback()
def main(
    context: typer.Context,
    settings_file: Annotated[
        Path, typer.Option("--settings", envvar="DAVTARI_SETTINGS", help="The settings file.")
    ] = Path("davtari.toml"),
    log_level: Annotated[
        str | None, typer.Option(envvar="DAVTARI_LOG_LEVEL", help="DEBUG, INFO, WARNING or ERROR.")
    ] = None,
    log_json: Annotated[bool, typer.Option("--log-json", envvar="DAVTARI_LOG_JSON", help="Log as JSON.")] = False,
    _: Version = False,
) -> None:
    """Davtari connects Balance accounting with WooCommerce shops."""
    GlobalOptions.settings_file = settings_file
    long_running = context.invoked_subcommand in ("up", "run")
    logs.configure(log_level or ("INFO" if long_running else "CRITICAL"), as_json=log_json)
