"""The chapters of the story, each a thing that a user of Davtari sees."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from contracts.operations import ReplayRequested
from services.cli import dead_letter_log
from services.cli.check import systems as checks
from services.cli.check.app import show_checks
from services.cli.dead_letters.view import print_dead_letters as show_letters
from services.cli.orders import timeline
from services.cli.orders.app import show_order
from services.cli.requests import command_header, request
from services.cli.screen import console
from services.demo.choose import Chosen
from services.demo.stage import Stage
from services.engine.clock import local_day
from services.settings.model import Settings

Actions = Counter[str]


async def connections(settings: Settings) -> None:
    """`davtari check`: everything answers."""
    show_checks(await checks.check_systems(settings))


async def plan(stage: Stage, dry: Settings) -> Actions:
    """The first import as a plan: everything in dry-run, nothing is written."""
    before = (await stage.world.storefront())["products"]
    await stage.crew.start(dry)
    await planned(stage)
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


async def planned(stage: Stage) -> None:
    """Wait until every item of Balance has been decided about."""
    items = (await stage.world.balance.get("/_sandbox/catalogue")).json()["items"] - len(stage.world.legend["groups"])
    await stage.until(lambda: len(stage.ledger.plans), items, "reading Balance, looking up")


async def apply(stage: Stage, actions: Actions) -> None:
    """The plan is carried out: the flows go live."""
    await stage.crew.stop()
    await stage.crew.start(stage.live)
    await stage.until(lambda: len(stage.ledger.links), actions["create"] + actions["adopt"], "writing products")


async def stock(stage: Stage) -> None:
    """The stock figures are in the shop."""

    def live() -> int:
        return sum(figure.mode == "live" for figure in stage.ledger.figures.values())

    wanted = sum(link.item in stage.ledger.stocked for link in stage.ledger.links.values())
    await stage.until(live, wanted, "publishing stock")


async def orders(stage: Stage, chosen: Chosen) -> None:
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


async def refunds(stage: Stage, chosen: Chosen) -> None:
    """Refunds of many kinds become credit notes, bound to the lines of their Sales."""
    for order_id, refund_id, _ in chosen.refunds:
        await stage.refund(order_id, refund_id)
    await stage.until(lambda: len(stage.ledger.notes), len(chosen.refunds), "refunds → credit notes")
    kinds = Counter(kind for _, _, kind in chosen.refunds)
    console.print("  " + " · ".join(f"{count} {kind}" for kind, count in kinds.items()), soft_wrap=True)


async def dead_letter(stage: Stage, chosen: Chosen) -> None:
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


async def one_order(stage: Stage, chosen: Chosen) -> None:
    """The passport of the order whose answer was lost on the way."""
    lost = next((sale for sale in stage.ledger.sales.values() if sale.attempts), None)
    key = lost.key if lost else f"main:{chosen.orders[0]}"
    found = timeline.build_timeline(key, stage.ledger.story)
    if found is not None:
        show_order(found)
