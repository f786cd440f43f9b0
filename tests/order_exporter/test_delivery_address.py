"""The delivery address in the Sale: by a setting, also for the retail client, and in no event."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.ledger import SaleRecorded
from services.engine.outbox.lane import Row
from services.engine.outbox.outcome import Done
from services.order_exporter.deliveries import deliveries
from services.settings.balance import Dialect
from tests.order_exporter.export_bench import bought, client_recorded, consumer, task_of
from tests.support.exporting import KEY, PAID, PERSONAL_ID, RETAIL, buyer, link, settings
from tests.support.fake_books import FakeBooks
from tests.support.memory_state import Consumer


def exporter(**clients: Any) -> Consumer:
    """An exporter under these settings, with the product of every order linked."""
    made = consumer(settings(clients=clients))
    made.take(link(311))
    return made


@pytest.mark.claim("S3.55")
@pytest.mark.parametrize("person_given", [{}, {"personal_id": PERSONAL_ID}])
def test_the_delivery_address_is_in_the_comment_also_for_the_retail_client(person_given: dict[str, str]) -> None:
    made = exporter(delivery_address="comment")
    made.take(bought(person=buyer(**person_given)), client_recorded())
    task = task_of(made.decisions[KEY])
    assert task.person == {"Comments": "Order 1042, shop main | bog | delivery: ნიმუშის ქ. 3, თბილისი, GE"}
    assert "ნინო" not in str(task.person)


@pytest.mark.claim("S3.55")
async def test_the_address_goes_to_balance_and_into_no_event() -> None:
    made = exporter(delivery_address="field", delivery_address_field="DeliveryAddress")
    made.take(bought(person=buyer()))
    [sale] = made.decisions[KEY].deliveries
    books = FakeBooks()
    row = Row(sale.id, sale.kind, sale.lane, sale.key, KEY, sale.payload)
    [outcome] = await deliveries(books, Dialect(), lambda: PAID)["balance.documents"]([row])
    assert isinstance(outcome, Done)
    [event] = outcome.events
    [stored] = books.sales.values()
    assert (stored["Client"], stored["DeliveryAddress"]) == (RETAIL, "ნიმუშის ქ. 3, თბილისი, GE")
    assert isinstance(event, SaleRecorded)
    assert "ნიმუშის" not in event.model_dump_json()


def test_by_default_documents_hold_no_address() -> None:
    made = exporter()
    made.take(bought(person=buyer()))
    task = task_of(made.decisions[KEY])
    assert task.person is None
    assert "ნიმუშის" not in str(task.document)


def test_an_address_never_cuts_off_what_the_comment_says() -> None:
    made = exporter(delivery_address="comment")
    long = buyer().billing.model_copy(update={"address_1": "ქ" * 2000})
    made.take(bought(person=buyer(billing=long)))
    comment = (task_of(made.decisions[KEY]).person or {})["Comments"]
    assert (comment[:22], len(comment)) == ("Order 1042, shop main ", 1000)
