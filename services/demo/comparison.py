"""Compares the shop with Balance at the end, by reading both systems directly."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from services.cli.screen import build_table, console
from services.demo.demo_run import DemoRun

Documents = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class BooksComparison:
    """The figures of the comparison, in GEL. `difference` is the sum of the absolute differences of all orders."""

    orders: int
    sales: int
    refunds: int
    credit_notes: int
    difference: Decimal
    dead_letters_open: int
    written_twice: int
    shop_total: Decimal
    balance_total: Decimal
    refund_total: Decimal
    credit_total: Decimal

    @property
    def matches(self) -> bool:
        """Whether every order and refund is in the books once, to the tetri, with no open dead letter."""
        counts = self.orders == self.sales and self.refunds == self.credit_notes
        return counts and self.difference == 0 and not self.dead_letters_open and not self.written_twice

    @property
    def verdict(self) -> str:
        """The last line of the demonstration."""
        return (
            f"books {'match' if self.matches else 'DO NOT MATCH'}: {self.orders} orders = {self.sales} sales, "
            f"{self.refunds} refunds = {self.credit_notes} credit notes, difference {self.difference:.2f} GEL"
        )


async def compare_books(stage: DemoRun) -> BooksComparison:
    """Read both sandboxes and compare them order by order."""
    storefront, books = await stage.world.storefront(), await stage.world.books()
    return compare_documents(
        storefront["orders"], books["sales"], books["credit_notes"], len(stage.ledger.open_dead_letters)
    )


def compare_documents(orders: Documents, sales: Documents, notes: Documents, open_dead_letters: int) -> BooksComparison:
    """Compare orders with documents: a Sale by its order number, a credit note by its base document."""
    by_order = {sale["PrimaryDocument"]: sale for sale in sales}
    difference = Decimal(0)
    for order in orders:
        sale = by_order.get(str(order["id"]))
        difference += abs(Decimal(order["total"]) - (Decimal(sale["total"]) if sale else 0))
        credited = sum((Decimal(n["total"]) for n in notes if sale and n["BaseDocument"] == sale["uid"]), Decimal(0))
        difference += abs(_refunded(order) - credited)
    return BooksComparison(
        orders=len(orders),
        sales=len(sales),
        refunds=sum(len(order["refunds"]) for order in orders),
        credit_notes=len(notes),
        difference=difference,
        dead_letters_open=open_dead_letters,
        written_twice=sum(document["revisions"] > 1 for document in (*sales, *notes)),
        shop_total=sum((Decimal(order["total"]) for order in orders), Decimal(0)),
        balance_total=sum((Decimal(sale["total"]) for sale in sales), Decimal(0)),
        refund_total=sum((_refunded(order) for order in orders), Decimal(0)),
        credit_total=sum((Decimal(note["total"]) for note in notes), Decimal(0)),
    )


def _refunded(order: dict[str, Any]) -> Decimal:
    return sum((abs(Decimal(refund["amount"])) for refund in order["refunds"]), Decimal(0))


def print_comparison(closing: BooksComparison) -> None:
    """Print the table of totals."""
    rows = [
        (
            f"orders {closing.orders}",
            closing.shop_total,
            closing.balance_total,
            closing.shop_total - closing.balance_total,
        ),
        (
            f"refunds {closing.refunds}",
            closing.refund_total,
            closing.credit_total,
            closing.refund_total - closing.credit_total,
        ),
    ]
    shown = [(name, f"{a:,.2f}", f"{b:,.2f}", f"{c:,.2f}") for name, a, b, c in rows]
    console.print(build_table(("", "shop", "Balance", "difference"), shown, right=(1, 2, 3)))
    console.print(
        f"  {closing.dead_letters_open} open dead letters · {closing.written_twice} documents written more than once"
    )


def save_comparison(closing: BooksComparison, broker: str, seconds: float, folder: Path) -> None:
    """Write `demo.json`."""
    content = {name: str(value) if isinstance(value, Decimal) else value for name, value in asdict(closing).items()}
    content |= {"broker": broker, "seconds": round(seconds, 1)}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "demo.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
