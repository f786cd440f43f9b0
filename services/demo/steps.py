"""The chapters of the story, each a thing that a user of Davtari sees."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from contracts.operations import ReplayRequested
from services.cli import dead_letter_log
from services.cli.check import systems as checks
from services.cli.check.app import show_checks
from services.cli.dead_letters.view import print_dead_letters as show_letters
from services.cli.orders import timeline
from services.cli.orders.app import show_order
from services.cli.requests import command_header, request
from services.cli.screen import console
from services.demo.demo_run import DemoRun
from services.engine.clock import local_day
from services.sandbox import recorded
from services.settings.model import Settings

# Which of the recorded orders and refunds the demonstration places: real input, of many kinds.

ORDERS, REFUNDS = 44, 12
CONFIGS = ("incl_line", "excl_line", "incl_subtotal", "excl_subtotal")


@dataclass(frozen=True, slots=True)
class OrderSelection:
    """Orders to place, the refunds (order, refund, kind) to issue, and one order of a closed month."""

    orders: tuple[int, ...]
    refunds: tuple[tuple[int, int, str], ...]
    late: int


def select_orders() -> OrderSelection:
    """Paid orders in lari with lines of known products, refunded ones first, then by number; refunds of many kinds."""
    fit = [order_id for order_id in recorded.list_order_ids() if _is_suitable(recorded.get_recording(order_id))]
    refunds = _select_refunds(fit)
    refunded = dict.fromkeys(order_id for order_id, _, _ in refunds)
    rest = [order_id for order_id in fit if order_id not in refunded]
    late, *others = [order_id for order_id in rest if not recorded.get_recording(order_id).refunds]
    return OrderSelection((*refunded, *others)[:ORDERS], refunds, late)


def unused_orders() -> tuple[int, ...]:
    """Recorded orders of the same sort that the demonstration leaves out."""
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
    """At most two of a kind, so that there are many kinds; only refunds whose lines add up to their amount."""
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
"""Kinds that ask for a person by design; the demonstration shows one such case of its own."""


Actions = Counter[str]


async def check_connections(settings: Settings) -> None:
    """`davtari check`: everything answers."""
    show_checks(await checks.check_systems(settings))


async def plan_import(stage: DemoRun, dry: Settings) -> Actions:
    """The first import as a plan: everything in dry-run, nothing is written."""
    before = (await stage.world.storefront())["products"]
    await stage.crew.start(dry)
    await wait_for_plan(stage)
    actions: Actions = Counter(plan.action for plan in stage.ledger.plans.values())
    reasons = Counter(plan.reason for plan in stage.ledger.plans.values() if plan.action == "skip")
    why = " · ".join(f"{count} {str(reason).partition('.')[2]}" for reason, count in reasons.most_common())
    told = {"create": "create, as drafts", "adopt": "adopt by SKU (already in the shop)", "update": "update"}
    for action, words in told.items():
        console.print(f"  {actions[action]:>5}  {words}")
    console.print(f"  {actions['skip']:>5}  skip    {why}", soft_wrap=True)
    after = (await stage.world.storefront())["products"]
    console.print(f"  The shop is {'as it was: nothing was written' if after == before else 'NOT as it was'}.")
    return actions


async def wait_for_plan(stage: DemoRun) -> None:
    """Wait until every item of Balance has been decided about."""
    items = (await stage.world.balance.get("/_sandbox/catalogue")).json()["items"] - len(stage.world.legend["groups"])
    await stage.until(lambda: len(stage.ledger.plans), items, "reading Balance, looking up")


async def apply_plan(stage: DemoRun, actions: Actions) -> None:
    """The plan is carried out: the flows go live."""
    await stage.crew.stop()
    await stage.crew.start(stage.live)
    await stage.until(lambda: len(stage.ledger.links), actions["create"] + actions["adopt"], "writing products")


async def publish_stock(stage: DemoRun) -> None:
    """The stock figures are in the shop."""

    def live() -> int:
        return sum(figure.mode == "live" for figure in stage.ledger.figures.values())

    wanted = sum(link.item in stage.ledger.stocked for link in stage.ledger.links.values())
    await stage.until(live, wanted, "publishing stock")


async def sell_orders(stage: DemoRun, chosen: OrderSelection) -> None:
    """Orders come in; in the middle Balance goes away, and comes back."""
    half = len(chosen.orders) // 2
    lost = {"kind": "commit_then_reset", "match": "PUT .*/Sale", "times": 1}
    (await stage.world.balance.post("/_sandbox/faults", json=lost)).raise_for_status()
    for order_id in chosen.orders[:half]:
        await stage.place(order_id)
    await stage.until(lambda: len(stage.ledger.sales), half, "orders → Sales")
    (await stage.world.balance.post("/_sandbox/faults", json={"kind": "outage"})).raise_for_status()
    console.print("  [yellow]Balance goes down.[/] The shop goes on selling:")
    for order_id in chosen.orders[half:]:
        await stage.place(order_id)
    await stage.until(lambda: len(stage.ledger.orders), len(chosen.orders), "orders read from the shop")
    waiting = await stage.crew.waiting(stage.live, "order-exporter")
    console.print(f"  {waiting} deliveries wait, none is lost, none is a dead letter.")
    (await stage.world.balance.delete("/_sandbox/faults")).raise_for_status()
    console.print("  [green]Balance is back.[/]")
    await stage.until(lambda: len(stage.ledger.sales), len(chosen.orders), "orders → Sales")


async def issue_refunds(stage: DemoRun, chosen: OrderSelection) -> None:
    """Refunds of many kinds become credit notes, bound to the lines of their Sales."""
    for order_id, refund_id, _ in chosen.refunds:
        await stage.refund(order_id, refund_id)
    await stage.until(lambda: len(stage.ledger.notes), len(chosen.refunds), "refunds → credit notes")
    kinds = Counter(kind for _, _, kind in chosen.refunds)
    console.print("  " + " · ".join(f"{count} {kind}" for kind, count in kinds.items()), soft_wrap=True)


async def resolve_dead_letter(stage: DemoRun, chosen: OrderSelection) -> None:
    """An order that Balance refuses waits for a person; the cause is mended, and it is replayed."""
    tomorrow = local_day(datetime.now(UTC) + timedelta(days=1))
    (await stage.world.balance.put("/_sandbox/lock-date", json={"date": tomorrow.isoformat()})).raise_for_status()
    await stage.place(chosen.late)
    await stage.ledger.until(lambda: bool(stage.ledger.open_letters), "a dead letter")
    found = [letter for letter in (await dead_letter_log.read_dead_letters(stage.live.kafka)).values() if letter.open]
    show_letters(found)
    (await stage.world.balance.put("/_sandbox/lock-date", json={"date": None})).raise_for_status()
    console.print("  The accountant opens the period in Balance, then:  davtari dead-letters replay")
    for one in found:
        await request(stage.live, ReplayRequested(dead_letter=one.letter.dead_letter, **command_header()), 30.0)
    await stage.until(lambda: len(stage.ledger.sales), len(chosen.orders) + 1, "orders → Sales")


async def print_one_order(stage: DemoRun, chosen: OrderSelection) -> None:
    """The passport of the order whose answer was lost on the way."""
    lost = next((sale for sale in stage.ledger.sales.values() if sale.attempts), None)
    key = lost.key if lost else f"main:{chosen.orders[0]}"
    found = timeline.build_timeline(key, stage.ledger.story)
    if found is not None:
        show_order(found)
