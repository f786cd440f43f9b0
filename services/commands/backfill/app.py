"""`davtari backfill orders`: push what should be in the books and is not."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Annotated

import typer
from rich.markup import escape

from contracts.operations import CommandSettled
from services.commands.backfill.missing import Found, look, push_all, sold_orders
from services.commands.codes import FAILED
from services.commands.frame import DryRun, Json, Patience, command, settings
from services.commands.screen import as_json, console
from services.shared.running.upstreams import open_shop
from services.shared.settings import Settings, SettingsError

app = typer.Typer(no_args_is_help=True, help="Find what is missing in the books, and have it exported.")
Shop = Annotated[str, typer.Option("--shop", help="This shop alone.")]


@dataclass(slots=True)
class Filled:
    """What was found in a shop, and what order-exporter answered to each push; None where it did not in time."""

    shop: str
    found: Found
    answers: dict[str, CommandSettled | None] = field(default_factory=dict)

    @property
    def well(self) -> bool:
        """Whether every order could be read, and every push was taken."""
        taken = all(answer is not None and answer.outcome == "done" for answer in self.answers.values())
        return taken and not self.found.unreadable


@app.command(name="orders")
@command
async def orders_command(
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day, Tbilisi time.")],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="The last day.")],
    shop: Shop = "",
    dry_run: DryRun = False,
    patience: Patience = 60.0,
    json: Json = False,
) -> int:
    """Push every order placed on these days that is due for a Sale and has none. Safe to repeat."""
    chosen, days = settings(), (first.date(), last.date())
    sold = await sold_orders(chosen)
    filled = [await _filled(chosen, name, days, sold, patience, dry_run=dry_run) for name in _shops(chosen, shop)]
    if json:
        as_json({"shops": [_data(one) for one in filled]})
    else:
        for one in filled:
            _show(one)
    return 0 if all(one.well for one in filled) else FAILED


async def _filled(
    chosen: Settings, shop: str, days: tuple[date, date], sold: set[str], patience: float, *, dry_run: bool
) -> Filled:
    async with open_shop(chosen, shop, lambda: datetime.now(UTC)) as source:
        found = await look(shop, source, days, chosen.shops[shop].orders, sold)
    return Filled(shop, found, {} if dry_run else await push_all(chosen, found.missing, patience))


def _shops(chosen: Settings, shop: str) -> list[str]:
    if shop and shop not in chosen.shops:
        raise SettingsError(f"the settings name no shop {shop!r}, only {', '.join(chosen.shops)}")
    return [shop] if shop else list(chosen.shops)


def _show(one: Filled) -> None:
    found = one.found
    console.print(
        f"{one.shop}: {len(found.missing)} orders without a Sale · {found.booked} in the books · "
        f"{found.watched} not due for one · {len(found.unreadable)} cannot be read",
        soft_wrap=True,
    )
    for order in found.missing:
        answer = one.answers.get(order.key)
        silent = "no answer yet: do the services run?" if one.answers else f"{order.status}, not pushed (dry run)"
        console.print(f"  order {escape(order.number)}: {escape(answer.detail if answer else silent)}", soft_wrap=True)
    for line in found.unreadable:
        console.print(f"  [red]{escape(line)}[/]", soft_wrap=True)


def _data(one: Filled) -> dict[str, object]:
    return {
        "shop": one.shop,
        "booked": one.found.booked,
        "watched": one.found.watched,
        "unreadable": one.found.unreadable,
        "missing": [order.order_id for order in one.found.missing],
        "answers": {key: answer.detail if answer else None for key, answer in one.answers.items()},
    }
