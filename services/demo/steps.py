"""The steps of the scenario: import, stock, orders, refunds, a dead letter; and the recorded orders it uses."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from contracts.operations import ReplayRequested
from services.cli import dead_letter_log
from services.cli.check import systems as checks
from services.cli.check.app import show_checks
from services.cli.dead_letters.view import print_dead_letters
from services.cli.orders import timeline
from services.cli.orders.app import show_order
from services.cli.requests import command_header, request
from services.cli.screen import compose, console, styled
from services.demo.demo_run import DemoRun
from services.engine.clock import local_day
from services.sandbox import recorded
from services.settings.model import Settings

ORDERS, REFUNDS = 44, 12
CONFIGS = ("incl_line", "excl_line", "incl_subtotal", "excl_subtotal")


@dataclass(frozen=True, slots=True)
class OrderSelection:
    """Orders to place, refunds to issue as (order id, refund id, kind), and one order for a closed period."""

    orders: tuple[int, ...]
    refunds: tuple[tuple[int, int, str], ...]
    late: int


def select_orders() -> OrderSelection:
    """Select paid orders in GEL whose products are in the catalogue, refunded ones first, and refunds of many kinds."""
    fit = [order_id for order_id in recorded.list_order_ids() if _is_suitable(recorded.get_recording(order_id))]
    refunds = _select_refunds(fit)
    refunded = dict.fromkeys(order_id for order_id, _, _ in refunds)
    rest = [order_id for order_id in fit if order_id not in refunded]
    late, *others = [order_id for order_id in rest if not recorded.get_recording(order_id).refunds]
    return OrderSelection((*refunded, *others)[:ORDERS], refunds, late)


def unused_orders() -> tuple[int, ...]:
    """List suitable recorded orders that `select_orders` does not use."""
    chosen = select_orders()
    taken = {*chosen.orders, chosen.late}
    fit = (order_id for order_id in recorded.list_order_ids() if _is_suitable(recorded.get_recording(order_id)))
    return tuple(order_id for order_id in fit if order_id not in taken)


def _is_suitable(recording: recorded.Recording) -> bool:
    order = recording.order
    plain = "edited" not in recording.notes and "created-under" not in recording.notes
    known = bool(order["line_items"]) and all(line["product_id"] and line["sku"] for line in order["line_items"])
    paid = bool(order["date_paid"]) and order["currency"] == "GEL" and Decimal(order["total"]) > 0
    return plain and known and paid and recording.config["name"] in CONFIGS


def _select_refunds(fit: list[int]) -> tuple[tuple[int, int, str], ...]:
    """Take at most two refunds of each kind, and none of an ambiguous kind."""
    found: list[tuple[int, int, str]] = []
    for order_id in fit:
        recording = recorded.get_recording(order_id)
        kind = _refund_kind(recording.notes)
        if kind and sum(other == kind for _, _, other in found) < 2:
            found += [(order_id, refund["id"], kind) for refund in recording.refunds]
    return tuple(found[:REFUNDS])


def _refund_kind(notes: str) -> str:
    kinds = [note.removeprefix("refund:") for note in notes.split("; ") if note.startswith("refund:")]
    return "" if not kinds or kinds[0] in AMBIGUOUS_REFUNDS else kinds[0]


AMBIGUOUS_REFUNDS = frozenset({"deleted", "amount-differs-from-lines", "qty-above-ordered", "restock-only", "tax-only"})
"""Refunds that wait for a decision by design; `resolve_dead_letter` shows a dead letter instead."""


Actions = Counter[str]


async def check_connections(settings: Settings) -> None:
    """Run `davtari check`."""
    show_checks(await checks.check_systems(settings))


async def plan_import(stage: DemoRun, dry: Settings) -> Actions:
    """Plan the first import in dry-run mode and check that the shop is unchanged. Returns the count of each action."""
    before = (await stage.world.storefront())["products"]
    await stage.services.start(dry)
    await wait_for_plan(stage)
    actions: Actions = Counter(plan.action for plan in stage.ledger.plans.values())
    reasons = Counter(plan.reason for plan in stage.ledger.plans.values() if plan.action == "skip")
    why = " · ".join(f"{count} {str(reason).partition('.')[2]}" for reason, count in reasons.most_common())
    labels = {"create": "to create, as drafts", "adopt": "to adopt by SKU (already in the shop)", "update": "to update"}
    for action, label in labels.items():
        console.print(f"  {actions[action]:>5}  {label}")
    console.print(f"  {actions['skip']:>5}  to skip: {why}", soft_wrap=True)
    after = (await stage.world.storefront())["products"]
    console.print(f"  {'Nothing was written to the shop' if after == before else 'The shop HAS CHANGED'}.")
    return actions


async def wait_for_plan(stage: DemoRun) -> None:
    """Wait until the plan has an action for every item of Balance."""
    items = (await stage.world.balance.get("/_sandbox/catalogue")).json()["items"] - len(stage.world.legend["groups"])
    await stage.until(lambda: len(stage.ledger.plans), items, "items planned")


async def apply_plan(stage: DemoRun, actions: Actions) -> None:
    """Restart the services with live flows and wait until all products are linked."""
    await stage.services.stop()
    await stage.services.start(stage.live)
    await stage.until(lambda: len(stage.ledger.links), actions["create"] + actions["adopt"], "products linked")


async def publish_stock(stage: DemoRun) -> None:
    """Wait until the stock of every linked product is in the shop."""

    def live() -> int:
        return sum(figure.mode == "live" for figure in stage.ledger.figures.values())

    wanted = sum(link.item in stage.ledger.stocked for link in stage.ledger.links.values())
    await stage.until(live, wanted, "stock figures published")


async def sell_orders(stage: DemoRun, chosen: OrderSelection) -> None:
    """Place the orders; halfway Balance is unavailable for a while, and one response is lost."""
    half = len(chosen.orders) // 2
    lost = {"kind": "commit_then_reset", "match": "PUT .*/Sale", "times": 1}
    (await stage.world.balance.post("/_sandbox/faults", json=lost)).raise_for_status()
    for order_id in chosen.orders[:half]:
        await stage.place(order_id)
    await stage.until(lambda: len(stage.ledger.sales), half, "orders → Sales")
    (await stage.world.balance.post("/_sandbox/faults", json={"kind": "outage"})).raise_for_status()
    console.print(compose("  ", styled("Balance is down.", "yellow"), " The shop keeps selling:"))
    for order_id in chosen.orders[half:]:
        await stage.place(order_id)
    await stage.until(lambda: len(stage.ledger.orders), len(chosen.orders), "orders read from the shop")
    waiting = await stage.services.waiting(stage.live, "order-exporter")
    console.print(f"  {waiting} deliveries are waiting; none is lost and none is a dead letter.")
    (await stage.world.balance.delete("/_sandbox/faults")).raise_for_status()
    console.print(compose("  ", styled("Balance is up again.", "green")))
    await stage.until(lambda: len(stage.ledger.sales), len(chosen.orders), "orders → Sales")


async def issue_refunds(stage: DemoRun, chosen: OrderSelection) -> None:
    """Issue the refunds and wait for their credit notes."""
    for order_id, refund_id, _ in chosen.refunds:
        await stage.refund(order_id, refund_id)
    await stage.until(lambda: len(stage.ledger.notes), len(chosen.refunds), "refunds → credit notes")
    kinds = Counter(kind for _, _, kind in chosen.refunds)
    console.print("  " + " · ".join(f"{count} {kind}" for kind, count in kinds.items()), soft_wrap=True)


async def resolve_dead_letter(stage: DemoRun, chosen: OrderSelection) -> None:
    """Place an order in a closed period, show its dead letter, open the period, and replay it."""
    tomorrow = local_day(datetime.now(UTC) + timedelta(days=1))
    (await stage.world.balance.put("/_sandbox/lock-date", json={"date": tomorrow.isoformat()})).raise_for_status()
    await stage.place(chosen.late)
    await stage.ledger.until(lambda: bool(stage.ledger.open_dead_letters), "a dead letter")
    found = [one for one in (await dead_letter_log.read_dead_letters(stage.live)).values() if one.open]
    print_dead_letters(found)
    (await stage.world.balance.put("/_sandbox/lock-date", json={"date": None})).raise_for_status()
    console.print("  The accountant opens the period in Balance and runs:  davtari dead-letters replay")
    for one in found:
        await request(stage.live, ReplayRequested(dead_letter=one.event.dead_letter, **command_header()), 30.0)
    await stage.until(lambda: len(stage.ledger.sales), len(chosen.orders) + 1, "orders → Sales")


async def print_one_order(stage: DemoRun, chosen: OrderSelection) -> None:
    """Show the timeline of the order whose response was lost."""
    lost = next((sale for sale in stage.ledger.sales.values() if sale.attempts), None)
    key = lost.key if lost else f"main:{chosen.orders[0]}"
    found = timeline.build_timeline(key, stage.ledger.story)
    if found is not None:
        show_order(found)
