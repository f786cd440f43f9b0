"""`davtari order` and `davtari orders`."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from contracts.delivery_ids import order_key
from contracts.envelope import Envelope
from contracts.ledger import (
    CreditNotePlanned,
    CreditNoteRecorded,
    PaymentPlanned,
    PaymentRecorded,
    SalePlanned,
    SaleRecorded,
)
from contracts.model import Event
from contracts.sales_orders import SalesOrderPlanned, SalesOrderRecorded
from services.cli import times
from services.cli.command import FAILED, Json, OneShop, OrderId, Shop, command, read_settings, select_shop, select_shops
from services.cli.orders import timeline
from services.cli.orders.states import ExportState, describe_order_state, list_order_states
from services.cli.orders.timeline import OrderTimeline
from services.cli.rule_explanation import explain_known_order
from services.cli.rule_explanation import show_explanation as show_rules
from services.cli.screen import build_table, compose, console, errors, print_json, styled
from services.connectors.identity.status import describe_block
from services.console.model.history import TOPICS, collect_facts
from services.console.model.order_states import FINAL_STATES, IDLE_STATES, Waits
from services.engine.client.reader import read_events
from services.engine.clock import utc_now
from services.engine.state.files import database_path
from services.settings.model import Settings

PlannedDocument = SalePlanned | CreditNotePlanned | SalesOrderPlanned | PaymentPlanned
RecordedDocument = SaleRecorded | CreditNoteRecorded | SalesOrderRecorded | PaymentRecorded


def collect_payloads(key: str, envelopes: Iterable[Envelope[Event]]) -> list[dict[str, Any]]:
    """Collect the documents of the order `shop:id` as JSON: as recorded, or as planned by a dry run (claim S0.35)."""
    found: dict[str, dict[str, Any]] = {}
    for envelope in envelopes:
        event = envelope.data
        if isinstance(event, PlannedDocument | RecordedDocument) and event.key == key:
            name = event.subject.replace("-plan", "")
            if isinstance(event, RecordedDocument) or found.get(name, {}).get("state") != "recorded":
                found[name] = _document_to_dict(event, envelope)
    return [found[name] for name in sorted(found)]


def _document_to_dict(event: PlannedDocument | RecordedDocument, envelope: Envelope[Event]) -> dict[str, Any]:
    return {
        "document": event.DOCUMENT.replace("-plan", ""),
        "refund": event.refund_id if isinstance(event, CreditNotePlanned | CreditNoteRecorded) else None,
        "state": "recorded" if isinstance(event, RecordedDocument) else "planned",
        "at": envelope.time,
        **_figures(event),
        "currency": event.currency,
        "payload": event.sent,
        **({"parts": [part.sent for part in parts]} if (parts := getattr(event, "parts", ())) else {}),
    }


def _figures(event: PlannedDocument | RecordedDocument) -> dict[str, str]:
    """Receipts have no VAT; it is in the Sale."""
    if isinstance(event, PaymentPlanned | PaymentRecorded):
        return {"payment": event.payment, "total": f"{event.amount:f}"}
    return {"total": f"{event.total:f}", "vat": f"{event.vat:f}"}


@command
async def order_command(
    order_id: OrderId,
    shop: Shop = "",
    at: Annotated[str, typer.Option("--at", help=f"Show what was known at that time: {times.TIME_FORMATS}.")] = "",
    documents: Annotated[bool, typer.Option("--documents", help="Print its documents in full, as JSON.")] = False,
    why: Annotated[
        bool, typer.Option("--why", help="Show which rule decided its document, warehouse and hold.")
    ] = False,
    json: Json = False,
) -> int:
    """Show everything known about an order, in order of time."""
    chosen, until = read_settings(), times.parse_time(at, datetime.now(UTC)) if at else None
    shop = select_shop(chosen, shop)
    key = order_key(shop, order_id)
    known = [envelope async for envelope in read_events(chosen, timeline.TOPICS)]
    envelopes = [envelope for envelope in known if until is None or envelope.time <= until]
    if documents:
        print_json({"documents": collect_payloads(key, envelopes)})
        return 0
    found = timeline.build_timeline(key, envelopes)
    if found is None:
        errors.print(
            f"Order {order_id} of shop {shop} is unknown. Read it: davtari push order {order_id} --shop {shop}"
        )
        return FAILED
    waits = {} if until else read_waits(chosen)
    found = replace(found, state=describe_order_state(key, envelopes, chosen.shops, until, waits))
    rules = explain_known_order(chosen, key, envelopes, until) if why else None
    if json:
        print_json(asdict(found) | ({"rules": asdict(rules)} if rules else {}))
    else:
        show_order(found)
        if rules:
            show_rules(rules)
    return 0


def show_order(found: OrderTimeline) -> None:
    """Print the timeline of an order and its total in the books."""
    console.print(styled(found.title, "bold"))
    for entry in found.entries:
        console.print(f"  {entry.at}  {entry.who:<16} {entry.what}", soft_wrap=True)
    if found.sale is None:
        waits = " · it needs a person" if found.waits else ""
        console.print(f"In the books: nothing yet · {found.state}{waits}", soft_wrap=True)
        return
    verdict = styled("equal", "green") if found.matches else styled("different", "red")
    waits = "it needs a person" if found.waits else "nothing waits"
    total, says = found.sale - found.credited, "nothing" if found.shop is None else f"{found.shop:.2f}"
    sums = f"Sale {found.sale:.2f} − credit {found.credited:.2f} = {total:.2f} · shop says {says}"
    console.print(compose(f"In the books: {sums} · ", verdict, f" · {waits}"), soft_wrap=True)
    if found.state:
        console.print(f"Now: {found.state}", soft_wrap=True)


EXPORTERS = ("order-exporter", "refund-exporter")
_ROWS = "SELECT id, state, blocked_detail FROM outbox_deliveries"


def read_waits(settings: Settings) -> Waits:
    """Read why each delivery of the exporters is not sent yet: what blocks it, or that it is due.

    Only state databases on this machine are read."""
    return {id_: why for name in EXPORTERS for id_, why in _rows(database_path(settings.state.directory, name))}


def _rows(path: Path) -> Iterator[tuple[str, str]]:
    if not path.exists():
        return
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        for id_, state, detail in db.execute(_ROWS):
            yield id_, "waiting to be sent to Balance" if state == "pending" else f"waits: {detail}"


WatchingOption = Annotated[bool, typer.Option("--watching", help="Only orders whose trigger has not occurred yet.")]
OpenOption = Annotated[bool, typer.Option("--open", help="Only orders that are not in a final state.")]
HeldOption = Annotated[bool, typer.Option("--held", help="Only waiting orders, with what they wait for.")]


@command
async def orders_command(
    shop: OneShop = "",
    watching: WatchingOption = False,
    held: HeldOption = False,
    open_: OpenOption = False,
    json: Json = False,
) -> int:
    """List the state of every order: in the books, on hold, not due yet, or needing a person."""
    chosen = read_settings()
    shops = {name: chosen.shops[name] for name in select_shops(chosen, shop)}
    facts = collect_facts([envelope async for envelope in read_events(chosen, TOPICS)])
    found = list_order_states(facts, shops, utc_now(), read_waits(chosen))
    listed = [one for one in found if _is_listed(one, watching=watching, held=held, open_=open_)]
    blocked = {name: describe_block(event) for name, event in facts.unrecognized.items() if name in shops}
    if json:
        counts = Counter(one.state for one in found)
        print_json({"counts": counts, "blocked_shops": blocked, "orders": [asdict(one) for one in listed]})
    else:
        _show(found, listed, blocked.values())
    return 0


def _is_listed(one: ExportState, *, watching: bool, held: bool, open_: bool) -> bool:
    wanted = (watching and one.state == "watching", held and one.state not in IDLE_STATES)
    return (any(wanted) or not (watching or held)) and (one.state not in FINAL_STATES or not open_)


def _show(found: Sequence[ExportState], listed: Sequence[ExportState], blocked: Iterable[str]) -> None:
    rows = [(one.shop, _name(one), _total(one), one.status, one.state, one.why) for one in listed]
    if rows:
        console.print(build_table(("shop", "order", "total", "status", "state", "reason"), rows, right=(2,)))
    counts = Counter(one.state for one in found)
    summary = ", ".join(f"{count} {state}" for state, count in counts.items()) or "none read yet"
    for why in blocked:
        console.print(styled(why, "red"), soft_wrap=True)
    console.print(f"Orders: {len({(one.shop, one.order_id) for one in found})}; {summary}.", soft_wrap=True)


def _name(one: ExportState) -> str:
    return one.number if one.refund_id is None else f"{one.number}, refund {one.refund_id}"


def _total(one: ExportState) -> str:
    return "" if one.total is None else f"{one.total} {one.currency}"
