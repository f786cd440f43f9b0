"""`davtari sync-matrix`: what the settings synchronise, in which direction and mode (claim S1.19)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal

import typer

from services.cli.command import Json, command, read_settings
from services.cli.screen import compose, console, print_json, styled
from services.settings.model import Settings
from services.settings.shop import ShopSettings

TO_SHOP, TO_BALANCE = "Balance → shop", "shop → Balance"
HEADINGS = ("shop", "what", "direction", "flow", "mode", "when", "rule", "service")


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One kind of data of one shop. `owner` is the system whose value wins; `rule` summarises the settings."""

    shop: str
    what: str
    direction: str
    flow: str
    mode: str
    trigger: str
    owner: Literal["Balance", "shop"]
    rule: str
    service: str


def build_matrix(settings: Settings) -> list[MatrixRow]:
    """List every kind of data, shop by shop."""
    return [row for name, shop in settings.shops.items() for row in _rows(settings, name, shop)]


def _rows(settings: Settings, name: str, shop: ShopSettings) -> Iterable[MatrixRow]:
    yield from _products(settings, name, shop)
    yield from _prices(settings, name, shop)
    yield _stock(settings, name, shop)
    yield from _documents(settings, name, shop)
    yield from _write_backs(name, shop)


def _products(settings: Settings, name: str, shop: ShopSettings) -> Iterable[MatrixRow]:
    rules, when = shop.catalogue, f"cron {settings.schedule.items}"
    kinds = "goods and services" if rules.allow_services else "goods"
    groups = f"{kinds} of {len(rules.groups)} mapped groups" if rules.groups else "none: no group is mapped"
    new = "new ones are not created" if shop.fields.stock_only else "new ones are created as drafts"
    rule = f"{groups}; {new}, adopted by SKU ({settings.balance.dialect.sku_field})"
    yield _to_shop(name, "products", "catalogue", shop.flows.catalogue, when, rule, "catalog-importer")
    fields = (("name", shop.fields.name), ("weight", shop.fields.weight), ("category", shop.fields.category))
    for field, owned in fields:
        yield _field(name, f"products: {field}", "catalogue", shop.flows.catalogue, when, owned, shop.fields.stock_only)


def _prices(settings: Settings, name: str, shop: ShopSettings) -> Iterable[MatrixRow]:
    when, mode = f"cron {settings.schedule.prices}", shop.flows.prices
    yield _field(name, "regular price", "prices", mode, when, shop.fields.regular_price, shop.fields.stock_only)
    if shop.prices.sale_type or shop.prices.discounts:
        yield _field(
            name, "sale price, with its window", "prices", mode, when, shop.fields.sale_price, shop.fields.stock_only
        )


def _field(name: str, what: str, flow: str, mode: str, when: str, owned: str, stock_only: bool) -> MatrixRow:
    """A field of an existing product; a new product always gets Balance's value."""
    rules = {
        "always": "always Balance's value",
        "if-empty": "only if empty in the shop",
        "if-unchanged": "unless it was changed in the shop",
        "never": "never: only stock is written" if stock_only else "only when a product is created",
    }
    owner: Literal["Balance", "shop"] = "Balance" if owned == "always" else "shop"
    return MatrixRow(name, what, TO_SHOP, flow, mode, when, owner, rules[owned], "catalog-importer")


def _stock(settings: Settings, name: str, shop: ShopSettings) -> MatrixRow:
    rules = shop.stock
    figure = "on hand" + (" − reserve" if rules.subtract_reserve else "") + " − orders in flight"
    figure += f" − {rules.buffer}" if rules.buffer else ""
    rule = f"{figure}, {rules.policy} of {', '.join(rules.warehouses)}" if rules.policy else "none: no policy is set"
    when = f"cron {settings.schedule.stock}, and with each order"
    return _to_shop(name, "stock", "stock", shop.flows.stock, when, rule, "stock-publisher")


def _to_shop(name: str, what: str, flow: str, mode: str, when: str, rule: str, service: str) -> MatrixRow:
    return MatrixRow(name, what, TO_SHOP, flow, mode, when, "Balance", rule, service)


def _documents(settings: Settings, name: str, shop: ShopSettings) -> Iterable[MatrixRow]:
    orders, flows = shop.orders, shop.flows
    triggers = "; ".join(f"{method}: {' or '.join(statuses)}" for method, statuses in orders.trigger.items())
    held = f", held {orders.hold:g} s" if orders.hold else ""
    held += ", with exceptions in orders.hold-for" if orders.hold_for else ""
    held += f"; {len(orders.rules)} rules (davtari rules list)" if orders.rules else ""
    paid = ", by default only when paid" if orders.require_paid else ""
    yield from _customers(name, shop)
    sale = f"one {settings.balance.dialect.sale_resource} per order, exact to the tetri, never changed afterwards"
    yield _to_balance(name, "orders", "orders", flows.orders, f"{triggers}{paid}{held}", sale, "order-exporter")
    dialect = settings.balance.dialect
    one = "one per refund" if dialect.credit_notes == "separate" else "one per order, rewritten"
    note = f"{dialect.credit_note_resource}, {one}, linked to the Sale's lines"
    note = "credit notes are entered by hand; Davtari plans and lists them" if shop.refunds.policy == "manual" else note
    yield _to_balance(name, "refunds", "refunds", flows.refunds, "on a refund in the shop", note, "refund-exporter")
    if flows.payments != "off":
        yield _payments(name, shop)


def _payments(name: str, shop: ShopSettings) -> MatrixRow:
    rules = shop.payments
    when = "; ".join(f"{method}: {found.settled}" for method, found in rules.methods.items()) or "no method is mapped"
    receipt = f"one receipt per payment from {rules.since}, linked to its Sale; refunds: {rules.refunded}"
    return _to_balance(name, "payments", "payments", shop.flows.payments, when, receipt, "order-exporter")


def _write_backs(name: str, shop: ShopSettings) -> Iterable[MatrixRow]:
    """What is written back to the shop's orders."""
    notes, statuses, when = shop.notes, shop.statuses, "with the document"
    noted = {"sale": notes.sale, "credit note": notes.credit_note, "plan": notes.plan, "parked": notes.parked}
    written = ", ".join(f"{about}: {audience}" for about, audience in noted.items() if audience != "off") or "none"
    yield _to_shop(name, "order notes", "notes", notes.mode, when, written, "order-notifier")
    steps = {"posted": statuses.posted, "credited": statuses.credited}
    moves = "; ".join(f"{state}: {was} → {to}" for state, each in steps.items() for was, to in each.items())
    rule = f"{moves}; never backwards" if moves else "none"
    yield _to_shop(name, "order status", "statuses", statuses.mode, when, rule, "order-notifier")


def _customers(name: str, shop: ShopSettings) -> Iterable[MatrixRow]:
    orders, mode = shop.orders, shop.flows.orders
    steps = ["found by personal or company id" + (", created if new" if orders.create_clients else "")]
    steps += ["else by the id on the buyer's other orders"] if orders.clients.known_links else []
    steps += [f"else by {' or '.join(orders.clients.match_by)}"] if orders.clients.match_by else []
    steps += ["else the retail client" if orders.retail_client else "without an id, the order waits"]
    yield _to_balance(name, "customers", "orders", mode, "with the order", "; ".join(steps), "order-exporter")
    for field, policy in orders.clients.contacts.by_field().items():
        what, rule = f"customers: {field}", f"both ways; if changed on both sides: {policy}"
        rule = rule if field != "address" else f"unless changed in Balance; else: {policy}"
        yield _to_balance(name, what, "orders", mode, "with the buyer's next order", rule, "order-exporter")


def _to_balance(name: str, what: str, flow: str, mode: str, when: str, rule: str, service: str) -> MatrixRow:
    return MatrixRow(name, what, TO_BALANCE, flow, mode, when, "shop", rule, service)


def show_matrix(rows: Sequence[MatrixRow]) -> None:
    """Print the matrix by shop and direction."""
    for shop in dict.fromkeys(row.shop for row in rows):
        for direction in (TO_SHOP, TO_BALANCE):
            console.print()
            console.print(compose(styled(f"{shop}   {direction}", "bold")))
            for row in rows:
                if (row.shop, row.direction) == (shop, direction):
                    console.print(f"  {row.mode:<8} {row.what:<26} {row.rule}", soft_wrap=True)
                    console.print(f"{'':<38}{row.trigger} · {row.service}", style="dim", soft_wrap=True)


def matrix_to_markdown(rows: Sequence[MatrixRow]) -> str:
    """The matrix as a Markdown table."""
    lines = [HEADINGS, tuple("---" for _ in HEADINGS), *[_cells(row) for row in rows]]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def matrix_to_data(rows: Sequence[MatrixRow]) -> list[dict[str, Any]]:
    """The matrix as data."""
    return [asdict(row) for row in rows]


def print_matrix(settings: Settings, *, as_data: bool, as_markdown: bool) -> None:
    """Print the matrix as JSON, Markdown or text."""
    rows = build_matrix(settings)
    if as_data:
        print_json(matrix_to_data(rows))
    elif as_markdown:
        console.print_lines(matrix_to_markdown(rows))
    else:
        show_matrix(rows)


def _cells(row: MatrixRow) -> tuple[str, ...]:
    return row.shop, row.what, row.direction, row.flow, row.mode, row.trigger, row.rule, row.service


@command
async def sync_matrix_command(
    json: Json = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="A Markdown table.")] = False,
) -> int:
    """Show what the settings synchronise, in which direction, when and in which mode."""
    print_matrix(read_settings(), as_data=json, as_markdown=markdown)
    return 0
