"""All recorded orders and refunds through both exporters into the books of a Balance: they hold what the shop says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from contracts.ledger import ClientRecorded, CreditNoteRecorded, SaleRecorded
from contracts.model import Event
from services.connectors.balance.client import Balance
from services.engine.outbox.decision import Delivery
from services.engine.outbox.lane import Deliver, Row
from services.engine.outbox.outcome import Done
from services.order_exporter import deliveries as order_deliveries
from services.order_exporter import handlers as order_handlers
from services.refund_exporter import deliveries as refund_deliveries
from services.refund_exporter import handlers as refund_handlers
from services.sandbox.balance import catalogue, control
from services.sandbox.balance.app import BalanceSandbox, create_balance
from services.sandbox.balance.books import describe_books
from services.sandbox.balance.settings import BalanceSandboxSettings
from services.sandbox.recorded import get_recording, list_order_ids
from services.settings.model import Settings
from tests.support.exporting import (
    AMOUNT,
    FEE,
    SHIPPING,
    item_of,
    link,
    recorded_order,
    recorded_refunds,
    settings,
)
from tests.support.memory_state import NOON, Consumer

CURRENCIES = {"USD": "66666666-0000-4000-8000-000000000001", "EUR": "66666666-0000-4000-8000-000000000002"}
STRICT = {
    "dialect": {"unknown_fields": "refused", "read_names": "accounting", "casing": "variant", "decimals": "comma"},
    "rules": {"amount_tolerance": "0.005"},
}
REFUSED_ORDERS, REFUSED_REFUNDS = 18, 9
"""15 orders that can have no Sale, and 3 more with a line without a product. Their refunds keep waiting."""


@dataclass
class Service:
    """A service's rules and effects, joined as the engine does it, one order after the other."""

    consumer: Consumer
    lanes: Mapping[str, Deliver]
    refused: dict[str, str] = field(default_factory=dict)

    async def take(self, *events: Event) -> list[Event]:
        """Take events and deliver until nothing is wanted; returns the events that follow."""
        published: list[Event] = []
        news: tuple[Event, ...] = events
        while news:
            decisions = self.consumer.take(*news)
            news = ()
            for decision in decisions.values():
                self.refused |= {refusal.delivery.id: str(refusal.reason) for refusal in decision.refuse}
                for delivery in decision.deliveries:
                    news += await self._deliver(delivery) if delivery.blocked is None else ()
            published += news
        return published

    async def _deliver(self, delivery: Delivery) -> tuple[Event, ...]:
        if delivery.id in self.refused:
            return ()
        row = Row(delivery.id, delivery.kind, delivery.lane, delivery.key, delivery.key, delivery.payload)
        [outcome] = await self.lanes[delivery.lane]([row])
        if isinstance(outcome, Done):
            return outcome.events
        self.refused[delivery.id] = f"{outcome}"
        return ()


def sandbox() -> BalanceSandbox:
    app = create_balance(BalanceSandboxSettings().changed(STRICT), lambda: NOON)
    catalogue.add_frame(app.books)
    kinds = {SHIPPING: "მომსახურება", FEE: "მომსახურება", AMOUNT: "მომსახურება"}
    for uid in [*map(item_of, products()), *kinds]:
        control.put_item(
            app.books, uid, {"Name": uid, "ItemType": kinds.get(uid, "საქონელი"), "VATRate": "ჩვეულებრივი"}
        )
    return app


def products() -> set[int]:
    lines = (line for order_id in list_order_ids() for line in recorded_order(get_recording(order_id)).lines)
    return {line.variation_id or line.product_id for line in lines if line.kind == "product"} - {0}


def balance_of(app: BalanceSandbox, using: Settings) -> Balance:
    at = {"transport": "on-prem", "url": "http://balance.test/Balance_Exchange/hs/Exchange", "user_name": "integration"}
    where = using.balance.model_copy(update=at | {"password_file": Path("none")})
    return Balance(where, SecretStr("sandbox"), transport=httpx.ASGITransport(app=app), clock=lambda: NOON)


def every_order_counts(policy: str) -> Settings:
    """Whatever its status was, an order that is completed makes a Sale."""
    return settings(
        balance={"currencies": CURRENCIES, "dialect": {"credit_notes": policy}},
        trigger={"default": ("completed",)},
        require_paid=False,
        amount_item=AMOUNT,
        retail_client=catalogue.RETAIL_CLIENT,
        warehouse=catalogue.MAIN,
    )


def services(balance: Balance, using: Settings) -> tuple[Service, Service]:
    dialect = using.balance.dialect
    orders = Consumer(order_handlers.handlers(using)), order_deliveries.deliveries(balance, dialect, lambda: NOON)
    refunds = Consumer(refund_handlers.handlers(using)), refund_deliveries.deliveries(balance, dialect, lambda: NOON)
    return Service(*orders), Service(*refunds)


async def export(policy: str) -> tuple[BalanceSandbox, Service, Service, list[Event]]:
    """All orders, then all refunds; the books in Balance and the events about them."""
    using, app, events = every_order_counts(policy), sandbox(), list[Event]()
    async with balance_of(app, using) as balance:
        orders, refunds = services(balance, using)
        await orders.take(*map(link, products()))
        for order_id in list_order_ids():
            order = recorded_order(get_recording(order_id)).model_copy(update={"status": "completed"})
            news = await orders.take(order)
            events += news
            sales = [event for event in news if isinstance(event, SaleRecorded)]
            events += await refunds.take(*sales, *recorded_refunds(get_recording(order_id)))
    return app, orders, refunds, events


@pytest.mark.parametrize("policy", ["separate", "cumulative"])
@pytest.mark.claim("S0.2", "S0.11", "S0.12")
async def test_the_books_hold_every_order_and_refund_to_the_tetri_or_it_is_refused_by_name(policy: str) -> None:
    app, orders, refunds, events = await export(policy)
    sales = {event.order_id: event for event in events if isinstance(event, SaleRecorded)}
    notes = [event for event in events if isinstance(event, CreditNoteRecorded)]
    # every order is a Sale of its total or was refused, and every Sale was written once
    assert {*sales, *(int(id_.rpartition(":")[2]) for id_ in orders.refused)} == set(list_order_ids())
    assert len(orders.refused) == REFUSED_ORDERS
    totals = {order_id: Decimal(get_recording(order_id).order["total"]) for order_id in sales}
    documents = {document["uid"]: document for document in describe_books(app.books)["sales"]}
    assert {id_: Decimal(documents[sale.sale]["total"]) for id_, sale in sales.items()} == totals
    assert {document["revisions"] for document in documents.values()} == {1}
    # every refund of a Sale is a credit note of its amount or was refused
    given_back = {refund.refund_id: refund.amount for id_ in sales for refund in recorded_refunds(get_recording(id_))}
    refused = {int(id_.rpartition(":")[2]) for id_ in refunds.refused}
    assert {note.refund_id: note.total for note in notes} == {
        id_: amount for id_, amount in given_back.items() if id_ not in refused
    }
    assert len(refused) == REFUSED_REFUNDS
    credited = [Decimal(document["total"]) for document in describe_books(app.books)["credit_notes"]]
    assert sum(credited) == sum(note.total for note in notes)
    assert len(credited) == len({note.credit_note for note in notes})
    # everything is in the books as intended, except for VAT that the shop's own people typed
    differences = [text for event in [*sales.values(), *notes] for text in event.differences]
    assert [text for text in differences if not text.startswith("VAT")] == []
    assert not [reason for reason in [*orders.refused.values(), *refunds.refused.values()] if "(" in reason]


async def test_a_person_who_bought_often_is_one_client() -> None:
    app, _, _, events = await export("separate")
    clients = describe_books(app.books)["clients"]
    assert len(clients) == len({client["ID"] for client in clients}) > 50
    assert {client["revisions"] for client in clients} == {1}
    assert Counter(type(event) for event in events)[ClientRecorded] >= len(clients) - 1
