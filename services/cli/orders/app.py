"""`davtari orders`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.markup import escape

from services.cli.command import Json, OneShop, command, read_settings, select_shops
from services.cli.day_close.facts import TOPICS, collect_facts
from services.cli.orders.standing import Standing, standings
from services.cli.orders.states import QUIET, SETTLED
from services.cli.orders.waiting import waits_of
from services.cli.screen import build_table, console, print_json
from services.connectors.identity.standing import told
from services.engine.client.reader import read_events
from services.engine.runtime.clock import utc_now

Watching = Annotated[bool, typer.Option("--watching", help="Only those that no trigger has made a document of yet.")]
Open = Annotated[bool, typer.Option("--open", help="Only those that are not in the books, given up or removed.")]
Held = Annotated[bool, typer.Option("--held", help="Only those that wait, each with what it waits for.")]


@command
async def orders_command(
    shop: OneShop = "", watching: Watching = False, held: Held = False, open_: Open = False, json: Json = False
) -> int:
    """How every order stands: in the books, held, watched until its trigger, or with a person."""
    chosen = read_settings()
    shops = {name: chosen.shops[name] for name in select_shops(chosen, shop)}
    facts = collect_facts([envelope async for envelope in read_events(chosen.kafka, TOPICS)])
    found = standings(facts, shops, utc_now(), waits_of(chosen))
    listed = [one for one in found if _is_listed(one, watching=watching, held=held, open_=open_)]
    blocked = {name: told(strange) for name, strange in facts.strange.items() if name in shops}
    if json:
        counts = Counter(one.state for one in found)
        print_json({"counts": counts, "blocked_shops": blocked, "orders": [asdict(one) for one in listed]})
    else:
        _show(found, listed, blocked.values())
    return 0


def _is_listed(one: Standing, *, watching: bool, held: bool, open_: bool) -> bool:
    wanted = (watching and one.state == "watching", held and one.state not in QUIET)
    return (any(wanted) or not (watching or held)) and (one.state not in SETTLED or not open_)


def _show(found: Sequence[Standing], listed: Sequence[Standing], blocked: Iterable[str]) -> None:
    rows = [(one.shop, _name(one), _total(one), one.status, one.state, escape(one.why)) for one in listed]
    if rows:
        console.print(build_table(("shop", "order", "total", "status", "stands", "why"), rows, right=(2,)))
    counts = Counter(one.state for one in found)
    summary = ", ".join(f"{count} {state}" for state, count in counts.items()) or "none was read yet"
    for why in blocked:
        console.print(f"[red]{escape(why)}[/]", soft_wrap=True)
    console.print(f"Orders: {len({(one.shop, one.order_id) for one in found})}; {summary}.", soft_wrap=True)


def _name(one: Standing) -> str:
    return one.number if one.refund_id is None else f"{one.number}, refund {one.refund_id}"


def _total(one: Standing) -> str:
    return "" if one.total is None else f"{one.total} {one.currency}"
