"""Every service removes a forgotten person from its state database and answers; the books do not change."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest

from contracts.clients import Contacts, ContactsMerged, ContactsOfBoth
from contracts.envelope import Envelope
from contracts.ledger import ClientRecorded, SaleRecorded
from contracts.model import Event
from contracts.operations import CommandSettled, DeadLettered
from contracts.shop import Address, OrderChanged, Person
from services.connectors.woocommerce.customers import order_ref
from services.engine.outbox.dead_letters import PARKED, Parked
from services.engine.outbox.decision import NOTHING
from services.engine.outbox.handlers import Handlers
from services.engine.outbox.lane import Deliver
from services.engine.outbox.outcome import Refused
from services.engine.privacy.forgetting import carry_out_requests
from services.engine.state.records import State
from services.engine.state.store import read_kind
from services.order_exporter import deliveries as order_deliveries
from services.order_exporter import handlers as order_handlers
from services.order_notifier import handlers as notifier_handlers
from services.refund_exporter import handlers as refund_handlers
from services.settings.balance import Dialect
from services.store_feed import handlers as feed_handlers
from tests.forgetting.requests import WORDS, buyer_with_id, execute_forget, forget, words_found_in
from tests.order_exporter.exporter_lanes import deliver_all
from tests.outbox.bench import open_bench
from tests.outbox.sample_service import record, record_of
from tests.support.exporting import RETAIL, SHOP, given_back, line, link, order, push, refund, settings
from tests.support.fake_books import FakeBooks
from tests.support.memory_state import NOON

pytestmark = pytest.mark.claim("S2.16")
USING = settings(clients={"contacts": {"phone": "shop"}})
BOUGHT = order(line(1, "60.00", quantity="4"), person=buyer_with_id())
PLACEHOLDER = Person(
    person_ref=order_ref(SHOP, BOUGHT.order_id), billing=Address(first_name="[deleted]", address_1="[deleted]"),
    email="deleted@site.invalid", phone="+000 000 00 00 00",
)  # fmt: skip
ERASED = BOUGHT.model_copy(update={"person_ref": PLACEHOLDER.person_ref, "person": PLACEHOLDER})
"""The order as the shop returns it after its personal data eraser has run."""
RETURNED = refund("15.00", given_back(1, "15.00", quantity="1"), person=buyer_with_id(comment="too small"))
MERGED = ContactsMerged(
    shop=SHOP, order_id=BOUGHT.order_id, client="c-1", person_ref="p-1", order_at=BOUGHT.created_at, fields=("phone",),
    person=ContactsOfBoth(person_ref="p-1", shop=Contacts(phone="+995599000001")), merged_at=NOON,
)  # fmt: skip
SERVICES = {
    "store-feed": (feed_handlers.handlers([SHOP]), 2),
    "order-exporter": (order_handlers.handlers(USING), 2),
    "refund-exporter": (refund_handlers.handlers(USING), 1),
    "order-notifier": (notifier_handlers.handlers(USING), 0),
}
"""The rules of each service, and how many copies it has of an order, a refund and merged contacts."""


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_forgets_every_copy_and_answers(service: str, tmp_path: Path) -> None:
    rules, copies = SERVICES[service]
    async with open_bench(tmp_path, rules) as bench:
        await bench.take(record(BOUGHT), record(RETURNED), record(MERGED))
        answer = await execute_forget(bench, forget())
        assert words_found_in(tmp_path) == set()  # and not in the write-ahead log
    assert (answer.outcome, answer.figures) == ("done", {"copies": copies, "waiting": 0})


async def test_a_dry_run_counts_and_removes_nothing(tmp_path: Path) -> None:
    async with open_bench(tmp_path, feed_handlers.handlers([SHOP])) as bench:
        await bench.take(record(BOUGHT), record(RETURNED))
        answer = await execute_forget(bench, forget(dry_run=True))
    assert answer.figures["copies"] == 2
    assert words_found_in(tmp_path) == set(WORDS)


async def test_other_people_are_not_affected(tmp_path: Path) -> None:
    async with open_bench(tmp_path, feed_handlers.handlers([SHOP])) as bench:
        await bench.take(record(BOUGHT))
        answer = await execute_forget(bench, forget("p-2"))
    assert (answer.detail, answer.figures["copies"]) == ("has no data of this person", 0)
    assert words_found_in(tmp_path) == set(WORDS)


def lanes(books: FakeBooks) -> Mapping[str, Deliver]:
    return order_deliveries.deliveries(books, Dialect(), lambda: NOON)


@pytest.fixture
def rules() -> Handlers:
    return order_handlers.handlers(settings())


FACTS: list[Event] = [BOUGHT, link(311), push(command_id="p-9")]


async def test_forgetting_a_buyer_does_not_change_the_books(tmp_path: Path, rules: Handlers) -> None:
    books = FakeBooks()
    async with open_bench(tmp_path / "old", rules) as bench:
        await bench.take(*map(record, FACTS))
        await deliver_all(bench, lanes(books))
        written, before = len(books.calls), len(await bench.published())
        await execute_forget(bench, forget())
        await bench.take(record(ERASED, version=2))
        await deliver_all(bench, lanes(books))
        events = (await bench.published())[before:]
    assert [type(each.data).__name__ for each in events] == ["CommandSettled"]
    assert len(books.calls) == written
    assert words_found_in(tmp_path / "old") == set()


async def test_a_rebuild_writes_and_publishes_nothing(tmp_path: Path, rules: Handlers) -> None:
    books = FakeBooks()
    async with open_bench(tmp_path / "old", rules) as bench:
        await bench.take(*map(record, FACTS))
        await deliver_all(bench, lanes(books))
        written = len(books.calls)
        await execute_forget(bench, forget())
        events = await bench.published()
    nobody = BOUGHT.model_copy(update={"person": None})  # the order in the log once the key is erased
    async with open_bench(tmp_path / "new", rules, caught_up=False) as rebuilt:
        await rebuilt.take(*map(record, [nobody, *FACTS[1:], forget()]), *map(record_of, events))
        await rebuilt.engine.finish_catch_up()
        await deliver_all(rebuilt, lanes(books))
        assert await carry_out_requests(rebuilt.engine) == 0  # it is already answered
        assert await rebuilt.published() == []
    assert len(books.calls) == written
    sold = [each.data for each in events if isinstance(each.data, SaleRecorded | ClientRecorded)]
    assert [getattr(each, "client", RETAIL) for each in sold].count(RETAIL) == 0


async def test_pending_deliveries_of_a_forgotten_buyer_are_decided_again(tmp_path: Path, rules: Handlers) -> None:
    async with open_bench(tmp_path, rules) as bench:
        await bench.take(*map(record, FACTS))
        assert "client:main:1042" in await bench.rows()
        answer = await execute_forget(bench, forget())
        left = await bench.rows()
    assert list(left) == ["sale:main:1042"]
    assert (answer.figures["waiting"], RETAIL in left["sale:main:1042"].payload) == (0, True)
    assert words_found_in(tmp_path) == set()


async def test_a_dead_letter_of_a_forgotten_buyer_loses_the_person_and_is_overtaken(
    tmp_path: Path, rules: Handlers
) -> None:
    async with open_bench(tmp_path, rules) as bench:
        await bench.take(*map(record, FACTS))
        [row] = await bench.engine.claim("balance.clients", 10, ())
        await bench.settle(row, Refused("balance.refused", "Balance says no"))  # type: ignore[arg-type]
        await execute_forget(bench, forget())
        closed = await bench.closed_dead_letters()
    assert [each.how for each in closed] == ["overtaken"]
    assert words_found_in(tmp_path) == set()


async def test_the_bytes_of_a_record_that_could_not_be_handled_lose_the_person(tmp_path: Path) -> None:
    def fails(events: Envelope[Event], state: State) -> None:
        raise KeyError("warehouse")

    async with open_bench(tmp_path, Handlers(("shop.orders",), {OrderChanged: fails}, lambda *_: NOTHING)) as bench:
        await bench.take(record(BOUGHT))
        [before] = await bench.dead_letters()
        answer = await execute_forget(bench, forget())
        kept = [Parked.model_validate_json(body) async for _, body in read_kind(bench.database, PARKED.name)]
    assert (bytes_of(before)["person_ref"], bytes_of(kept[0].event)["person"]) == ("p-1", None)
    assert answer.figures["copies"] == 2  # the parked record, and the dead letter not yet published
    assert kept[0].event.model_copy(update={"record": None}) == before.model_copy(update={"record": None})


def bytes_of(dead_letter: DeadLettered) -> dict[str, Any]:
    """The value of the record in a dead letter."""
    assert dead_letter.record and dead_letter.record.value
    found: dict[str, Any] = orjson.loads(b64decode(dead_letter.record.value))
    return found


async def test_the_answer_of_another_service_is_ignored(tmp_path: Path) -> None:
    async with open_bench(tmp_path, feed_handlers.handlers([SHOP])) as bench:
        await bench.take(record(BOUGHT), record(forget()))
        answer = CommandSettled(
            command_id="forget-1", service="order-exporter", outcome="done", detail="", settled_at=NOON
        )
        await bench.take(record(answer))
        assert await carry_out_requests(bench.engine) == 1
    assert words_found_in(tmp_path) == set()
