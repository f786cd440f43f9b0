"""`davtari plan items|show|groups|shop-only` and `davtari apply`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress

from services.cli.command import FAILED, Json, Patience, Shop, command, read_settings, select_shop
from services.cli.plans import apply, groups, shop_only
from services.cli.plans.apply import check_selected_groups
from services.cli.plans.catalogue import TOPICS as CATALOGUE_TOPICS
from services.cli.plans.catalogue import build_catalogue, read_catalogue
from services.cli.plans.completeness import wait_until_complete
from services.cli.plans.groups import list_groups
from services.cli.plans.plan import Plan, show_plan, write_plan_csv, write_plan_html
from services.cli.screen import Description, compose, console, errors, print_json, report_unreadable, styled
from services.connectors.http.listing import UnreadableRecord, skip_unreadable
from services.connectors.upstreams import open_shop
from services.engine.client.reader import read_events
from services.engine.clock import utc_now

app = typer.Typer(no_args_is_help=True, help="Show what would change in a shop before anything is written.")
Csv = Annotated[Path | None, typer.Option("--csv", help="Write the whole plan as CSV.")]
Settling = Annotated[float, typer.Option(help="Seconds to wait for services that are still reading or deciding.")]
Html = Annotated[Path | None, typer.Option("--html", help="Write the whole plan as an HTML page.")]


@app.command(name="items")
@command
async def plan_items_command(
    shop: Shop = "", csv: Csv = None, html: Html = None, patience: Settling = 30.0, json: Json = False
) -> int:
    """Plan all changes to a shop's products: counts, reasons, changes on hold. Nothing is written.

    Waits while services are still reading or applying settings. What is still missing is listed with the plan.
    """
    chosen = read_settings()
    name = select_shop(chosen, shop)
    lacks = await wait_until_complete(chosen, name, patience, _show_wait)
    return _show(await apply.read_plan(chosen, name), csv, html, json, whole=False, lacks=lacks)


@app.command(name="show")
@command
async def show_plan_command(plan_id: str, csv: Csv = None, html: Html = None, json: Json = False) -> int:
    """Show a plan, change by change."""
    return _show(await apply.find_plan(read_settings(), plan_id), csv, html, json, whole=True)


@app.command(name="groups")
@command
async def plan_groups_command(shop: Shop = "", json: Json = False) -> int:
    """List Balance's groups with their items by type, and the category of each group in a shop."""
    chosen = read_settings()
    name = select_shop(chosen, shop)
    found = list_groups(await read_catalogue(chosen, name))
    print_json([asdict(group) for group in found]) if json else groups.show_groups(name, found)
    return 0


@app.command(name="shop-only")
@command
async def shop_only_command(shop: Shop = "", csv: Csv = None, json: Json = False) -> int:
    """List products that only the shop has. They are never changed, and not created in Balance."""
    chosen = read_settings()
    name = select_shop(chosen, shop)
    envelopes = [envelope async for envelope in read_events(chosen, CATALOGUE_TOPICS)]
    linked, left_out = shop_only.linked_products(name, envelopes), list[UnreadableRecord]()
    async with open_shop(chosen, name, utc_now) as client:
        products = skip_unreadable(client.every_product(), left_out)
        found = await shop_only.find_shop_only(build_catalogue(chosen, name, envelopes), linked, products)
    if csv:
        shop_only.write_shop_only_csv(found, csv)
    print_json([asdict(one) for one in found]) if json else shop_only.show_shop_only(name, found)
    report_unreadable(left_out)
    return FAILED if left_out else 0


@command
async def apply_command(plan_id: str, patience: Patience = 60.0, json: Json = False) -> int:
    """Carry out a plan exactly as it was shown. Can be interrupted and repeated."""
    chosen = read_settings()
    plan = await apply.find_plan(chosen, plan_id)
    await check_selected_groups(chosen, plan.shop)
    with _progress_bar() as bar:
        task = bar.add_task("written", total=len(plan.changes))
        done = await apply.apply_plan(chosen, plan, patience, lambda p: bar.update(task, completed=len(p.written)))
    if json:
        print_json({"plan": plan.id, "written": len(done.written), "left_out": done.left_out})
    else:
        console.print(f"Plan {plan.id}: {len(done.written)} written, {len(done.left_out)} left out.")
        for item, why in done.left_out.items():
            errors.print(f"  {item}: {why}", soft_wrap=True)
    return FAILED if done.left_out else 0


def _progress_bar() -> Progress:
    columns = (Description("  {task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, console=errors, transient=not errors.is_terminal)


def _show_wait(why: str) -> None:
    errors.print(f"  waiting: {why}", style="dim", soft_wrap=True)


def _show(
    plan: Plan, csv: Path | None, html: Path | None, json: bool, *, whole: bool, lacks: Sequence[str] = ()
) -> int:
    if csv:
        write_plan_csv(plan, csv)
    if html:
        write_plan_html(plan, html)
    print_json(_plan_to_data(plan) | {"incomplete": list(lacks)}) if json else show_plan(plan, whole=whole)
    for why in () if json else lacks:
        errors.print(compose(styled("This plan may change:", "yellow"), f" {why}"), soft_wrap=True)
    return 0


def _plan_to_data(plan: Plan) -> dict[str, object]:
    changes = [change.planned.model_dump(mode="json") | {"differences": change.differences} for change in plan.changes]
    skipped = [skipped.model_dump(mode="json") for skipped in plan.skipped]
    return {"plan": plan.id, "shop": plan.shop, "counts": plan.counts, "changes": changes, "skipped": skipped}
