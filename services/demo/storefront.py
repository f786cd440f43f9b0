"""The storefront manager's steps: approve a plan, explain stock, keep an edited price, hold mistyped prices."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from typing import Any

from contracts.operations import ImportRequested
from services.cli import dead_letter_log
from services.cli import stock as figures
from services.cli.dead_letters.view import print_dead_letters
from services.cli.plans.apply import apply_plan, read_plan
from services.cli.requests import command_header, request
from services.cli.screen import compose, console, styled
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
    """Settings of the shop: a kit, a second location, and prices that may be edited in the shop."""
    kit = {GOODS[part].uid: pieces for part, pieces in PARTS.items()}
    places = {"policy": "per-store", "warehouses": ["Main"], "locations": {"vake": ["Vake"]}}
    return {
        "shops__main__stock": places | {"kits": {GOODS[KIT].uid: kit}},
        "shops__main__fields": {"regular-price": "if-unchanged"},
        "snapshot": {"largest-price-falls": "0.1"},
    }


async def approve_plan(stage: DemoRun, settings: Settings) -> None:
    """Apply the plan exactly as shown, while every flow is still in dry-run.

    Prices are read first, because a plan that changes is refused.
    """
    await _import(stage, "prices")
    await stage.wait_until_idle()
    plan = await read_plan(settings, "main")
    say(f"  The storefront manager approves it:  davtari apply {plan.id}")
    with progress_bars() as bar:
        task = bar.add_task("changes written", total=len(plan.changes))
        done = await apply_plan(settings, plan, 60.0, lambda now: bar.update(task, completed=len(now.written)))
    say(f"  {len(done.written)} written, {len(done.left_out)} left out; new products stay drafts until published.")


async def keep_manual_price(stage: DemoRun) -> None:
    """Edit a price in the shop, then change it in Balance: the shop keeps the edited price."""
    product = next(link.product_id for link in stage.ledger.links.values() if link.sku == BY_HAND)
    await _send(stage.world.shop.put(f"{PRODUCTS}/{product}", json={"regular_price": HAND_PRICE}))
    await _set_price(stage, BY_HAND, Decimal(NEW_PRICE))
    await _import(stage, "prices")
    await stage.wait_until_idle()
    shown = (await _send(stage.world.shop.get(f"{PRODUCTS}/{product}"))).json()["regular_price"]
    say(f"  {BY_HAND}: edited to {HAND_PRICE} in the shop, then set to {NEW_PRICE} in Balance; the shop shows {shown}")
    say("  (fields.regular-price = if-unchanged: Davtari does not overwrite edited prices)")


async def hold_mistyped_prices(stage: DemoRun) -> None:
    """Enter prices a hundred times too small: the snapshot is held and no price reaches the shop."""
    before = await _prices(stage)
    for sku in MISTYPED:
        await _set_price(stage, sku, (GOODS[sku].price or Decimal(1)) / 100)
    await _import(stage, "prices")
    await stage.ledger.until(lambda: bool(stage.ledger.open_dead_letters), "a held snapshot")
    print_dead_letters([one for one in (await dead_letter_log.read_dead_letters(stage.live)).values() if one.open])
    await stage.wait_until_idle()
    say(f"  The shop's prices are {'unchanged' if await _prices(stage) == before else 'CHANGED'}.")
    for sku in MISTYPED:
        await _set_price(stage, sku, GOODS[sku].price or Decimal(0))
    await _import(stage, "prices")
    await stage.ledger.until(lambda: not stage.ledger.open_dead_letters, "an accepted snapshot")
    say(
        compose(
            "  ",
            styled("Corrected in Balance:", "green"),
            " the next snapshot is accepted, and the dead letter resolves by itself.",
        )
    )


async def explain_figures(stage: DemoRun) -> None:
    """Explain the published stock of a kit and of a product with a second location."""
    wanted = {GOODS[sku].uid for sku in (KIT, *PARTS)}
    live = stage.ledger.figures.values()
    await stage.until(
        lambda: len({figure.item for figure in live if figure.mode == "live"} & wanted),
        len(wanted),
        "stock of kit and parts",
    )
    history = [envelope async for envelope in read_events(stage.live, figures.TOPICS)]
    for sku in (KIT, next(iter(PARTS))):
        if found := figures.explain_figure("main", sku, history):
            figures.show_figure(found)


async def _prices(stage: DemoRun) -> dict[str, str]:
    products = (await stage.world.storefront())["products"]
    return {id_: product["regular_price"] for id_, product in products.items()}


async def _set_price(stage: DemoRun, sku: str, price: Decimal) -> None:
    await _send(stage.world.balance.put("/_sandbox/prices", json={"item": sku, "price": f"{price:.2f}"}))


async def _import(stage: DemoRun, resource: str) -> None:
    await request(stage.live, ImportRequested.model_validate({"resource": resource, **command_header()}), 60.0)


async def _send(asked: Any) -> Any:
    return (await asked).raise_for_status()
