"""`davtari sync-matrix`: what is synchronised, in which direction and mode, worked out from the settings (S1.19)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal

import typer

from services.cli.command import Json, command, read_settings
from services.cli.screen import console, print_json
from services.settings.model import Settings
from services.settings.shop import ShopSettings

TO_SHOP, TO_BALANCE = "Balance → shop", "shop → Balance"
HEADS = ("shop", "what", "direction", "flow", "mode", "when", "rule", "service")


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One kind of data of one shop. `owner` is the system whose value counts, `rule` what else the settings say."""

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
    """Every kind of data, shop by shop."""
    return [row for name, shop in settings.shops.items() for row in _rows(settings, name, shop)]


def _rows(settings: Settings, name: str, shop: ShopSettings) -> Iterable[MatrixRow]:
    yield from _products(settings, name, shop)
    yield from _prices(settings, name, shop)
    yield _stock(settings, name, shop)
    yield from _documents(settings, name, shop)
    yield from _back(name, shop)


def _products(settings: Settings, name: str, shop: ShopSettings) -> Iterable[MatrixRow]:
    rules, when = shop.catalogue, f"cron {settings.schedule.items}"
    kinds = "goods and services" if rules.allow_services else "goods"
    groups = f"{kinds} of {len(rules.groups)} mapped groups" if rules.groups else "no group is mapped: nothing"
    new = "none is ever made" if shop.fields.stock_only else "new ones as drafts"
    made = f"{groups}; {new}, adopted by SKU ({settings.balance.dialect.sku_field})"
    yield _to_shop(name, "products", "catalogue", shop.flows.catalogue, when, made, "catalog-importer")
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
    """An existing product's field; a new product, where one is made, always gets Balance's value."""
    rules = {
        "always": "Balance's value, always",
        "if-empty": "only where the shop's is empty",
        "if-unchanged": "unless somebody has changed it in the shop",
        "never": "never: stock alone is written" if stock_only else "only when a product is created",
    }
    owner: Literal["Balance", "shop"] = "Balance" if owned == "always" else "shop"
    return MatrixRow(name, what, TO_SHOP, flow, mode, when, owner, rules[owned], "catalog-importer")


def _stock(settings: Settings, name: str, shop: ShopSettings) -> MatrixRow:
    rules = shop.stock
    figure = "on hand" + (" − reserve" if rules.subtract_reserve else "") + " − orders in flight"
    figure += f" − {rules.buffer}" if rules.buffer else ""
    rule = f"{figure}, {rules.policy} of {', '.join(rules.warehouses)}" if rules.policy else "no policy chosen: nothing"
    when = f"cron {settings.schedule.stock}, and with each order"
    return _to_shop(name, "stock", "stock", shop.flows.stock, when, rule, "stock-publisher")


def _to_shop(name: str, what: str, flow: str, mode: str, when: str, rule: str, service: str) -> MatrixRow:
    return MatrixRow(name, what, TO_SHOP, flow, mode, when, "Balance", rule, service)


def _documents(settings: Settings, name: str, shop: ShopSettings) -> Iterable[MatrixRow]:
    orders, flows = shop.orders, shop.flows
    triggers = "; ".join(f"{method}: {' or '.join(statuses)}" for method, statuses in orders.trigger.items())
    held = f", held {orders.hold:g} s" if orders.hold else ""
    held += ", otherwise where orders.hold-for says so" if orders.hold_for else ""
    held += f"; {len(orders.rules)} rules (davtari rules list)" if orders.rules else ""
    paid = ", default ones once paid" if orders.require_paid else ""
    yield from _customers(name, shop)
    sale = f"one {settings.balance.dialect.sale_resource} per order, to the tetri, never changed afterwards"
    yield _to_balance(name, "orders", "orders", flows.orders, f"{triggers}{paid}{held}", sale, "order-exporter")
    dialect = settings.balance.dialect
    one = "one per refund" if dialect.credit_notes == "separate" else "one per order, written again"
    note = f"{dialect.credit_note_resource}, {one}, bound to the Sale's lines"
    note = "credit notes are made by hand; planned and listed here" if shop.refunds.policy == "manual" else note
    yield _to_balance(name, "refunds", "refunds", flows.refunds, "when the shop refunds", note, "refund-exporter")
    if flows.payments != "off":
        yield _payments(name, shop)


def _payments(name: str, shop: ShopSettings) -> MatrixRow:
    rules = shop.payments
    when = "; ".join(f"{method}: {found.settled}" for method, found in rules.methods.items()) or "no method is mapped"
    receipt = f"one receipt per payment from {rules.since}, bound to its Sale; refunds: {rules.refunded}"
    return _to_balance(name, "payments", "payments", shop.flows.payments, when, receipt, "order-exporter")


def _back(name: str, shop: ShopSettings) -> Iterable[MatrixRow]:
    """What goes back to the shop's orders once they are in the books."""
    notes, statuses, when = shop.notes, shop.statuses, "with the document"
    noted = {"sale": notes.sale, "credit note": notes.credit_note, "plan": notes.plan, "parked": notes.parked}
    written = ", ".join(f"{about}: {whom}" for about, whom in noted.items() if whom != "off") or "none is chosen"
    yield _to_shop(name, "order notes", "notes", notes.mode, when, written, "order-notifier")
    steps = {"posted": statuses.posted, "credited": statuses.credited}
    moves = "; ".join(f"{state}: {was} → {to}" for state, each in steps.items() for was, to in each.items())
    rule = f"{moves}; never backwards" if moves else "none is allowed"
    yield _to_shop(name, "order status", "statuses", statuses.mode, when, rule, "order-notifier")


def _customers(name: str, shop: ShopSettings) -> Iterable[MatrixRow]:
    orders, mode = shop.orders, shop.flows.orders
    rungs = ["found by personal or company id" + (", made if new" if orders.create_clients else "")]
    rungs += ["else by the id of the same buyer's other orders"] if orders.clients.known_links else []
    rungs += [f"else by {' or '.join(orders.clients.match_by)}"] if orders.clients.match_by else []
    rungs += ["else the retail client" if orders.retail_client else "without an id the order waits"]
    yield _to_balance(name, "customers", "orders", mode, "with the order", "; ".join(rungs), "order-exporter")
    for field, policy in orders.clients.contacts.by_field().items():
        what, rule = f"customers: {field}", f"both ways; where both sides changed it: {policy}"
        rule = rule if field != "address" else f"where Balance has not changed it; else: {policy}"
        yield _to_balance(name, what, "orders", mode, "with the buyer's next order", rule, "order-exporter")


def _to_balance(name: str, what: str, flow: str, mode: str, when: str, rule: str, service: str) -> MatrixRow:
    return MatrixRow(name, what, TO_BALANCE, flow, mode, when, "shop", rule, service)


def show_matrix(rows: Sequence[MatrixRow]) -> None:
    """The matrix for a terminal: shop by shop, what goes which way."""
    for shop in dict.fromkeys(row.shop for row in rows):
        for direction in (TO_SHOP, TO_BALANCE):
            console.print(f"\n[bold]{shop}   {direction}[/]")
            for row in rows:
                if (row.shop, row.direction) == (shop, direction):
                    console.print(f"  {row.mode:<8} {row.what:<26} {row.rule}", markup=False, soft_wrap=True)
                    console.print(f"{'':<38}{row.trigger} · {row.service}", style="dim", markup=False, soft_wrap=True)


def matrix_to_markdown(rows: Sequence[MatrixRow]) -> str:
    """The matrix as a Markdown table, for whoever writes it down."""
    lines = [HEADS, tuple("---" for _ in HEADS), *[_cells(row) for row in rows]]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def matrix_to_data(rows: Sequence[MatrixRow]) -> list[dict[str, Any]]:
    """The matrix as data."""
    return [asdict(row) for row in rows]


def print_matrix(settings: Settings, *, as_data: bool, as_markdown: bool) -> None:
    """Print it."""
    rows = build_matrix(settings)
    if as_data:
        print_json(matrix_to_data(rows))
    elif as_markdown:
        console.print(matrix_to_markdown(rows), markup=False, soft_wrap=True)
    else:
        show_matrix(rows)


def _cells(row: MatrixRow) -> tuple[str, ...]:
    return row.shop, row.what, row.direction, row.flow, row.mode, row.trigger, row.rule, row.service


@command
async def sync_matrix_command(
    json: Json = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="A Markdown table.")] = False,
) -> int:
    """What is synchronised, in which direction, when and in which mode, as the settings say."""
    print_matrix(read_settings(), as_data=json, as_markdown=markdown)
    return 0
