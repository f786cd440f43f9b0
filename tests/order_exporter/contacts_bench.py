"""An exporter that merges contacts, between the sandboxes of a shop and of Balance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from contracts.model import Event
from contracts.shop import OrderChanged
from services.accounting.documents.ids import client_uid
from services.engine.outbox.decision import Delivery
from services.engine.outbox.lane import Row
from services.engine.outbox.outcome import Done, Outcome
from services.order_exporter.contact_delivery import deliver_contacts
from services.settings.model import Settings
from tests.cli.clients_bench import Both
from tests.order_exporter.export_bench import bought, client_recorded, consumer
from tests.support.exporting import KEY, PERSONAL_ID, PLACED, buyer, link, recorded_sale, settings
from tests.support.memory_state import NOON, Consumer

CLIENT = client_uid(PERSONAL_ID)
OURS, THEIRS, LATER = "+995599000001", "+995322000002", "+995599000009"


def using(**policies: str) -> Settings:
    return settings(clients={"contacts": policies})


def exporter(**policies: str) -> Consumer:
    """An exporter with these policies that knows the buyer's client."""
    made = consumer(using(**policies))
    made.take(link(311), client_recorded(client=CLIENT))
    return made


def merges(made: Consumer, key: str = KEY) -> list[Delivery]:
    return [each for each in made.decisions[key].deliveries if each.kind == "contacts"]


def ordered(order_id: int = 1042, **fields: Any) -> OrderChanged:
    days = timedelta(days=order_id - 1042)
    phone = fields.pop("phone", OURS)
    who = buyer(personal_id=PERSONAL_ID, phone=phone)
    return bought(order_id=order_id, number=str(order_id), created_at=PLACED + days, person=who, **fields)


def booked(made: Consumer, *events: Event) -> None:
    """Orders come and are in the books; other events come with them."""
    orders = [event for event in events if isinstance(event, OrderChanged)]
    made.take(*events, *(recorded_sale(each, using()) for each in orders))


async def delivered(world: Both, made: Consumer, key: str = KEY) -> Outcome:
    """One attempt at the merge of an order."""
    [one] = merges(made, key)
    row = Row(one.id, one.kind, one.lane, one.key, key, one.payload)
    [outcome] = await deliver_contacts(world.balance, world.shop, lambda: NOON)([row])
    return outcome


async def merged(world: Both, made: Consumer, key: str = KEY) -> list[Event]:
    """The merge of an order, done and remembered; gives what was announced."""
    outcome = await delivered(world, made, key)
    assert isinstance(outcome, Done)
    events = [each for event in outcome.events for each in news(made, event)]
    made.take(*events)
    assert merges(made, key) == []
    return events


def news(made: Consumer, event: Event) -> Sequence[Event]:
    rule: Callable[[Any, Any], Sequence[Event]] | None = made.handlers.news.get(type(event))
    return rule(event, made.state) if rule else [event]


def client(world: Both, **fields: Any) -> dict[str, Any]:
    """The client in Balance, made or changed by hand."""
    known_ = world.books.clients.get(CLIENT) or {"uid": CLIENT, "ID": PERSONAL_ID, "Name": "by hand"}
    world.client(**known_ | fields)
    return world.books.clients.get(CLIENT) or {}
