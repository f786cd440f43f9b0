"""Finding or creating a buyer's client: one client per person, and an existing one is never changed."""

from __future__ import annotations

from contextlib import suppress

import pytest

from contracts.ledger import ClientRecorded
from contracts.reasons import Reason
from services.accounting.documents.ids import client_uid
from services.engine.outbox.lane import Row
from services.engine.outbox.outcome import Done, Outcome, Refused, Retry, Unknown
from services.engine.outbox.upstream_errors import Rejected, Unavailable, UnknownOutcome
from services.order_exporter.buyer import choose_client
from services.order_exporter.deliveries import deliveries
from services.order_exporter.tasks import ClientTask
from services.settings.balance import Dialect
from tests.support.exporting import PAID, PERSONAL_ID, RETAIL, buyer, line, order, settings
from tests.support.fake_books import FakeBooks, Killed
from tests.support.memory_state import MemoryState

CLIENT = "77777777-0000-4000-8000-000000000001"


def row_of(order_id: int = 1042, **rules: object) -> Row:
    using = settings(**rules)
    bought = order(line(1, "5.00"), person=buyer(personal_id=PERSONAL_ID), order_id=order_id)
    lookup = choose_client(bought, using.shops["main"].orders, using.balance, MemoryState()).lookup
    assert isinstance(lookup, ClientTask)
    id_ = f"client:main:{order_id}"
    return Row(id_, "client", "balance.clients", lookup.identity, bought.key, lookup.model_dump(mode="json"))


async def deliver(books: FakeBooks, row: Row | None = None) -> Outcome:
    [outcome] = await deliveries(books, Dialect(), lambda: PAID)["balance.clients"]([row or row_of()])
    return outcome


def recorded(outcome: Outcome) -> ClientRecorded:
    assert isinstance(outcome, Done)
    [event] = outcome.events
    assert isinstance(event, ClientRecorded)
    return event


@pytest.mark.claim("S3.28")
async def test_a_client_with_the_number_is_taken_as_it_is() -> None:
    books = FakeBooks(clients={CLIENT: {"uid": CLIENT, "ID": PERSONAL_ID, "Name": "written by hand"}})
    event = recorded(await deliver(books))
    assert (event.client, event.how, event.identity) == (CLIENT, "found", client_uid(PERSONAL_ID))
    assert books.calls == ["GET Clients"]


@pytest.mark.claim("S3.30", "S2.16")
async def test_an_unknown_person_is_created_under_a_uid_of_their_own() -> None:
    books = FakeBooks()
    event = recorded(await deliver(books))
    assert (event.client, event.how) == (client_uid(PERSONAL_ID), "created")
    assert books.clients[event.client]["Name"] == "ნინო სატესტო"


@pytest.mark.claim("K10")
async def test_two_orders_of_one_person_make_one_client() -> None:
    books = FakeBooks()
    first = recorded(await deliver(books, row_of(1042)))
    second = recorded(await deliver(books, row_of(1043)))
    assert first.client == second.client
    assert (first.how, second.how, len(books.clients)) == ("created", "found", 1)


@pytest.mark.parametrize("call", [1, 2, 3])
@pytest.mark.parametrize("failure", [Killed(), UnknownOutcome("no answer")])
async def test_a_kill_or_an_unknown_outcome_at_any_step_leaves_exactly_one_client(
    call: int, failure: BaseException
) -> None:
    books = FakeBooks(fail_after={call: failure})
    with suppress(Killed):
        assert isinstance(await deliver(books), Unknown)
    assert recorded(await deliver(books)).client == client_uid(PERSONAL_ID)
    assert list(books.clients) == [client_uid(PERSONAL_ID)]


async def test_without_permission_to_create_clients_the_retail_client_is_used() -> None:
    books = FakeBooks()
    event = recorded(await deliver(books, row_of(create_clients=False)))
    assert (event.client, event.retail) == (RETAIL, True)
    assert books.puts("Clients") == 0


async def test_failures_wait_or_end_with_a_person() -> None:
    assert await deliver(FakeBooks(fail_before={1: Unavailable("down")})) == Retry("down", None)
    refused = Rejected("Group is missing", reason=Reason.BALANCE_REFUSED)
    assert await deliver(FakeBooks(fail_before={2: refused})) == Refused(Reason.BALANCE_REFUSED, "Group is missing")


async def test_the_event_holds_nothing_personal() -> None:
    event = recorded(await deliver(FakeBooks()))
    assert PERSONAL_ID not in event.model_dump_json()
    assert "ნინო" not in event.model_dump_json()
