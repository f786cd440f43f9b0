"""`davtari orders`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from services.commands.day_close.facts import TOPICS, gathered
from services.commands.frame import Json, command, settings
from services.commands.orders.standing import Standing, standings
from services.commands.screen import as_json, console, table
from services.shared.messaging.reader import read_events
from services.shared.settings import SettingsError

Shop = Annotated[str, typer.Option("--shop", help="This shop alone.")]
Watching = Annotated[bool, typer.Option("--watching", help="Only those that no trigger has made a document of yet.")]
Open = Annotated[bool, typer.Option("--open", help="Only those that are not in the books, given up or removed.")]
Held = Annotated[bool, typer.Option("--held", help="Only those that are held, with how long still.")]
SETTLED = ("in the books", "given up", "removed")


@command
async def orders_command(
    shop: Shop = "", watching: Watching = False, held: Held = False, open_: Open = False, json: Json = False
) -> int:
    """How every order stands: in the books, held, watched until its trigger, or with a person."""
    chosen = settings()
    if shop and shop not in chosen.shops:
        raise SettingsError(f"the settings name no shop {shop!r}, only {', '.join(chosen.shops)}")
    shops = {name: rules for name, rules in chosen.shops.items() if shop in ("", name)}
    facts = gathered([envelope async for envelope in read_events(chosen.kafka, TOPICS)])
    found = standings(facts, shops, datetime.now(UTC))
    listed = [one for one in found if _is_listed(one, watching=watching, held=held, open_=open_)]
    if json:
        as_json({"counts": Counter(one.state for one in found), "orders": [asdict(one) for one in listed]})
    else:
        _show(found, listed)
    return 0


def _is_listed(one: Standing, *, watching: bool, held: bool, open_: bool) -> bool:
    alone = {state for state, only in (("watching", watching), ("held", held)) if only}
    return (not alone or one.state in alone) and (one.state not in SETTLED or not open_)


def _show(found: Sequence[Standing], listed: Sequence[Standing]) -> None:
    rows = [(one.shop, one.number, f"{one.total} {one.currency}", one.status, one.state, one.why) for one in listed]
    if rows:
        console.print(table(("shop", "order", "total", "status", "stands", "why"), rows, right=(2,)))
    counts = Counter(one.state for one in found)
    told = ", ".join(f"{count} {state}" for state, count in counts.items()) or "none was read yet"
    console.print(f"Orders: {len(found)}; {told}.", soft_wrap=True)
