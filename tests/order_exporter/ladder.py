"""Orders on their way to a client: an exporter, its look-ups in Balance, and assignments by a person."""

from __future__ import annotations

from typing import Any

from contracts.clients import ClientAssigned
from contracts.ledger import ClientRecorded
from services.engine.outbox.lane import Row
from services.engine.outbox.outcome import Done
from services.order_exporter.deliveries import deliveries
from services.order_exporter.tasks import ClientTask
from services.settings.balance import Dialect
from tests.order_exporter.export_bench import consumer
from tests.support.exporting import KEY, PAID, link, settings
from tests.support.fake_books import FakeBooks
from tests.support.memory_state import Consumer

OTHER = "77777777-0000-4000-8000-000000000002"
TWIN = {"uid": OTHER, "ID": "01001000001", "Name": "ნინო სატესტო"}


def ladder(**clients: Any) -> Consumer:
    """An exporter under these settings, with the product of every order linked."""
    exporter = consumer(settings(clients=clients))
    exporter.take(link(311))
    return exporter


def lookup_of(exporter: Consumer, key: str = KEY) -> ClientTask:
    [row] = [each for each in exporter.decisions[key].deliveries if each.kind == "client"]
    return ClientTask.model_validate(row.payload)


async def looked_up(task: ClientTask, *clients: dict[str, Any]) -> ClientRecorded:
    """What the delivery says of a look-up in a Balance with these clients."""
    books = FakeBooks(clients={each["uid"]: each for each in clients})
    row = Row(f"client:{KEY}", "client", "balance.clients", task.identity, KEY, task.model_dump(mode="json"))
    [outcome] = await deliveries(books, Dialect(), lambda: PAID)["balance.clients"]([row])
    assert isinstance(outcome, Done)
    [event] = outcome.events
    assert isinstance(event, ClientRecorded)
    return event


def assigned(**fields: Any) -> ClientAssigned:
    given = {"command_id": "c-1", "asked_by": "accountant", "asked_at": PAID, "shop": "main", "why": "twice in Balance"}
    return ClientAssigned.model_validate(given | {"client": OTHER} | fields)
