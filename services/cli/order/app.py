"""`davtari order`."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Annotated

import typer

from services.cli import moment, show
from services.cli.codes import FAILED
from services.cli.frame import Json, Shop, chosen_shop, command, settings
from services.cli.order import passport, payloads
from services.cli.orders.standing import standing_of
from services.cli.orders.waiting import waits_of
from services.cli.rules.beside import rules_of
from services.cli.rules.shown import show as show_rules
from services.cli.screen import as_json, errors
from services.engine.kafka.reader import read_events


@command
async def order_command(
    order_id: int,
    shop: Shop = "",
    at: Annotated[str, typer.Option("--at", help=f"What was known then: {moment.HOW}.")] = "",
    documents: Annotated[bool, typer.Option("--documents", help="Its documents whole, as JSON.")] = False,
    why: Annotated[bool, typer.Option("--why", help="Which rule decides its document, warehouse and hold.")] = False,
    json: Json = False,
) -> int:
    """Everything known about an order, in time order."""
    chosen, until = settings(), moment.moment(at, datetime.now(UTC)) if at else None
    shop = chosen_shop(chosen, shop)
    known = [envelope async for envelope in read_events(chosen.kafka, passport.TOPICS)]
    envelopes = [envelope for envelope in known if until is None or envelope.time <= until]
    if documents:
        as_json({"documents": payloads.payloads(f"{shop}:{order_id}", envelopes)})
        return 0
    found = passport.passport(f"{shop}:{order_id}", envelopes)
    if found is None:
        errors.print(f"Order {order_id} of shop {shop} is not known; davtari push order {order_id} --shop {shop}")
        return FAILED
    waits = {} if until else waits_of(chosen)
    found = replace(found, stands=standing_of(f"{shop}:{order_id}", envelopes, chosen.shops, until, waits))
    rules = rules_of(chosen, f"{shop}:{order_id}", envelopes, until) if why else None
    if json:
        as_json(asdict(found) | ({"rules": asdict(rules)} if rules else {}))
    else:
        show.passport(found)
        if rules:
            show_rules(rules)
    return 0
