"""What the storefront manager sees: an approved plan, figures explained, a price that stays, a mistake that is held."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from typing import Any

from contracts.operations import ImportRequested
from services.cli import dead_letter_log
from services.cli import stock as figures
from services.cli.dead_letters.view import print_dead_letters as show_letters
from services.cli.plans.apply import apply_plan, read_plan
from services.cli.requests import command_header, request
from services.cli.screen import console
from services.demo.demo_run import DemoRun, progress_bars
from services.engine.client.reader import read_events
from services.sandbox.balance.catalogue import STANDARD_CATALOGUE, requested_goods
from services.settings.model import Settings

say = partial(console.print, soft_wrap=True)
PRODUCTS = "/wp-json/wc/v3/products"
KIT, PARTS = "EXTRA-016", {"EXTRA-001": "2", "EXTRA-024": "1"}
BY_HAND, HAND_PRICE, NEW_PRICE = "EXTRA-012", "31.90", "39.00"
GOODS = {good.article: good for good in requested_goods(STANDARD_CATALOGUE) if good.article}
MISTYPED = tuple(sku for sku in GOODS if sku.startswith("EXTRA-") and sku != BY_HAND)


def storefront_settings() -> dict[str, Mapping[str, Any]]:
    """The settings of the demonstration's shop: a kit, a second place of sale, prices that a person may set by hand."""
    kit = {GOODS[part].uid: pieces for part, pieces in PARTS.items()}
    places = {"policy": "per-store", "warehouses": ["Main"], "locations": {"vake": ["Vake"]}}
    return {
        "shops__main__stock": places | {"kits": {GOODS[KIT].uid: kit}},
        "shops__main__fields": {"regular-price": "if-unchanged"},
        "snapshot": {"largest-price-falls": "0.1"},
    }


async def approve_plan(stage: DemoRun, settings: Settings) -> None:
    """The plan is approved, and carried out exactly as it was shown, while every flow still only looks.

    Prices are read first, and all that follows from them: a plan that grows while it is looked at is another one.
    """
    await _read(stage, "prices")
    await stage.rests()
    plan = await read_plan(settings, "main")
    say(f"  The storefront manager agrees:  davtari apply {plan.id}")
    with progress_bars() as bar:
        task = bar.add_task("written as planned", total=len(plan.changes))
        done = await apply_plan(settings, plan, 60.0, lambda now: bar.update(task, completed=len(now.written)))
    say(f"  {len(done.written)} written, {len(done.left_out)} left out; new ones are drafts until a person says so.")


async def keep_manual_price(stage: DemoRun) -> None:
    """A person sets a price in the shop; Balance has another one later: the person's stays."""
    product = next(link.product_id for link in stage.ledger.links.values() if link.sku == BY_HAND)
    await _ok(stage.world.shop.put(f"{PRODUCTS}/{product}", json={"regular_price": HAND_PRICE}))
    await _mark(stage, BY_HAND, Decimal(NEW_PRICE))
    await _read(stage, "prices")
    await stage.rests()
    shown = (await _ok(stage.world.shop.get(f"{PRODUCTS}/{product}"))).json()["regular_price"]
    say(f"  {BY_HAND}: somebody set {HAND_PRICE} in the shop, Balance says {NEW_PRICE} now; the shop shows {shown}")
    say("  (fields.regular-price = if-unchanged: what a person changed is left to that person)")


async def hold_mistyped_prices(stage: DemoRun) -> None:
    """Prices a hundred times too small: none of them reaches the shop before a person has looked."""
    before = await _prices(stage)
    for sku in MISTYPED:
        await _mark(stage, sku, (GOODS[sku].price or Decimal(1)) / 100)
    await _read(stage, "prices")
    await stage.ledger.until(lambda: bool(stage.ledger.open_letters), "the snapshot is held")
    show_letters([one for one in (await dead_letter_log.read_dead_letters(stage.live.kafka)).values() if one.open])
    await stage.rests()
    say(f"  The shop's prices are {'as they were' if await _prices(stage) == before else 'NOT as they were'}.")
    for sku in MISTYPED:
        await _mark(stage, sku, GOODS[sku].price or Decimal(0))
    await _read(stage, "prices")
    await stage.ledger.until(lambda: not stage.ledger.open_letters, "the next snapshot is believed")
    say("  [green]Put right in Balance:[/] the next reading is believed, and the dead letter closes by itself.")


async def explain_figures(stage: DemoRun) -> None:
    """Why the shop shows this figure: of a kit, and of a product with a place of its own."""
    wanted = {GOODS[sku].uid for sku in (KIT, *PARTS)}
    live = stage.ledger.figures.values()
    await stage.until(
        lambda: len({figure.item for figure in live if figure.mode == "live"} & wanted),
        len(wanted),
        "kit and components",
    )
    said = [envelope async for envelope in read_events(stage.live.kafka, figures.TOPICS)]
    for sku in (KIT, next(iter(PARTS))):
        if found := figures.explain_figure("main", sku, said):
            figures.show_figure(found)


async def _prices(stage: DemoRun) -> dict[str, str]:
    products = (await stage.world.storefront())["products"]
    return {id_: product["regular_price"] for id_, product in products.items()}


async def _mark(stage: DemoRun, sku: str, price: Decimal) -> None:
    await _ok(stage.world.balance.put("/_sandbox/prices", json={"item": sku, "price": f"{price:.2f}"}))


async def _read(stage: DemoRun, resource: str) -> None:
    await request(stage.live, ImportRequested.model_validate({"resource": resource, **command_header()}), 60.0)


async def _ok(asked: Any) -> Any:
    return (await asked).raise_for_status()
