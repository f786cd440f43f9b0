"""From a webhook to the current order: a webhook is only a hint."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from time import perf_counter
from typing import Any

import pytest

from contracts.shop import OrderChanged
from services.engine.state.files import database_path
from services.store_feed.inbox import compact_body
from services.store_feed.records import NAME
from tests.store_feed.posting import GONE, ORDER, post, posts, signed, stored
from tests.store_feed.shop_bench import Intake, Store, intake


@pytest.fixture
def taken(store: Store) -> Intake:
    """An intake beside a shop."""
    return intake(store.engine)


async def test_nothing_is_answered_before_it_is_durable(store: Store, taken: Intake) -> None:
    """When the response is sent, the delivery is already in the database, as another connection sees it."""
    seen: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": ORDER}

    async def send(message: dict[str, Any]) -> None:
        with closing(sqlite3.connect(database_path(store.directory, NAME))) as onlooker:
            seen.append(onlooker.execute("SELECT count(*) FROM inbox").fetchone()[0])

    headers = [(name.lower().encode(), value.encode()) for name, value in signed(ORDER).items()]
    await taken.receiver(
        {"type": "http", "method": "POST", "path": "/webhooks/main", "headers": headers}, receive, send
    )

    assert seen[0] == 1


@pytest.mark.claim("S1.15")
async def test_the_shop_never_waits_for_kafka_or_balance(store: Store, taken: Intake) -> None:
    """A delivery is answered within a second while nothing is published and nothing read; the work comes later."""
    took: list[float] = []
    for number in range(1, 51):
        body = json.dumps({"id": number}).encode()
        begun = perf_counter()
        assert (await post(taken.receiver, body, signed(body))).status_code == 200
        took.append(perf_counter() - begun)

    assert max(took) < 1.0
    assert (await stored(store.engine), store.reads(), await store.ledger.news()) == (50, 0, [])


async def test_deliveries_at_the_same_time_share_their_transactions(store: Store, taken: Intake) -> None:
    bodies = [json.dumps({"id": number}).encode() for number in range(1, 101)]
    writes = 0
    write = store.engine.database.write

    def counted() -> Any:
        nonlocal writes
        writes += 1
        return write()

    store.engine.database.write = counted  # type: ignore[method-assign]
    answers = await posts(taken.receiver, bodies)

    assert answers == [200] * 100
    assert await stored(store.engine) == 100
    assert writes < 10


async def test_a_delivery_becomes_the_order_as_it_exists(store: Store, taken: Intake) -> None:
    store.subscribes()
    order = store.places()

    answers = await store.delivers(taken.receiver)
    await taken.hints(store.engine)

    assert answers == [200, 200]
    assert [event.order_id for event in await store.looks() if isinstance(event, OrderChanged)] == [order]
    assert await stored(store.engine) == 0


@pytest.mark.parametrize("newest_first", [False, True])
async def test_created_and_updated_in_any_order_are_one_fact(store: Store, taken: Intake, newest_first: bool) -> None:
    store.subscribes()
    order = store.places()
    due = list(store.hooks.pending)
    store.hooks.pending = dict.fromkeys(reversed(due) if newest_first else due)

    await store.delivers(taken.receiver)
    await taken.hints(store.engine)

    assert [event.order_id for event in await store.looks() if isinstance(event, OrderChanged)] == [order]
    assert store.reads(order) == 1


async def test_a_delivery_about_an_order_that_is_gone_harms_nothing(store: Store, taken: Intake) -> None:
    for body in (GONE, b"not json", b"[]", b'{"id": "17"}', b'{"id": -1}', b'{"id": true}', b'{"id": 1e400}'):
        assert (await post(taken.receiver, body, signed(body))).status_code == 200
    await taken.hints(store.engine)

    assert (await store.looks(), await stored(store.engine)) == ([], 0)


@pytest.mark.claim("K5")
async def test_a_thousand_deliveries_for_one_order_are_a_few_reads(store: Store, taken: Intake) -> None:
    order = store.places()
    body = json.dumps({"id": order}).encode()
    answers = await posts(taken.receiver, [body] * 1000)

    await taken.hints(store.engine)
    stated = await store.looks()

    assert answers == [200] * 1000
    assert len([event for event in stated if isinstance(event, OrderChanged)]) == 1
    assert store.reads(order) == 1


async def test_what_follows_from_a_delivery_carries_its_trace(store: Store, taken: Intake) -> None:
    body = json.dumps({"id": store.places()}).encode()
    await post(taken.receiver, body, signed(body))
    await taken.hints(store.engine)
    await store.looks_once()

    store.ledger.seen = 0
    (envelope,) = await store.ledger.envelopes()

    assert envelope.traceparent is not None
    assert envelope.causationid


WHEN = "2026-11-21T08:30:00"


@pytest.mark.parametrize(
    ("body", "order_id"),
    [
        ({"id": 7}, 7),
        ({"id": 7, "status": "trash"}, 7),
        ({"id": "7"}, 7),
        ({"id": 0}, None),
        ({"id": True}, None),
        ({"id": None}, None),
        ({"id": 7.5}, None),
        ([], None),
        (None, None),
    ],
)
def test_which_order_a_delivery_is_about(body: Any, order_id: int | None) -> None:
    assert json.loads(compact_body(json.dumps(body).encode())).get("id") == order_id


@pytest.mark.parametrize("body", [b"", b"not json", b"\xff", b'{"id": 1e400}'])
def test_a_delivery_that_is_no_json_is_about_nothing(body: bytes) -> None:
    assert compact_body(body) == b"{}"


@pytest.mark.parametrize(
    ("changed", "read"), [(WHEN, WHEN + "+00:00"), ("soon", None), (None, None), (0, None), ("", None)]
)
def test_when_the_order_of_a_delivery_was_changed(changed: Any, read: str | None) -> None:
    found = json.loads(compact_body(json.dumps({"id": 7, "date_modified_gmt": changed}).encode(), "https://shop.test/"))

    assert found == {"id": 7, "modified": read, "source": "https://shop.test/"}


def test_nothing_about_the_buyer_is_kept_of_a_delivery() -> None:
    assert b"nino" not in compact_body(json.dumps({"id": 7, "billing": {"email": "nino@example.test"}}).encode())
