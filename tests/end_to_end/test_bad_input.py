"""Bad input of every kind surfaces where a person sees it, under its reason code, and holds nothing else up."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from contracts.balance import StockChanged
from contracts.operations import DeadLettered
from contracts.reason_texts import find_text
from contracts.reasons import Reason
from contracts.topics import REPORTERS
from services.demo.environment import ALL_LIVE, WEBHOOK_SECRET
from services.demo.kafka import Broker
from services.engine.kafka.connection import create_producer
from tests.end_to_end import sandbox_requests
from tests.end_to_end.invalid_inputs import ORDERS, RECORDS, SOUND, UNREADABLE, WEBHOOKS, sign
from tests.end_to_end.system import ALL_SERVICES, SystemUnderTest, start_system
from tests.end_to_end.waiting import wait_until

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.xdist_group("bad-input"),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(300),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="system")
async def _system(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SystemUnderTest]:
    async with start_system(tmp_path_factory.mktemp("bad-input"), kafka.bootstrap_servers, flows=ALL_LIVE) as made:
        await made.programs.start("up", services=len(ALL_SERVICES))
        await made.wait_until_consistent()
        yield made


# -- orders as the shop answers them


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def invalid_orders(system: SystemUnderTest) -> AsyncIterator[dict[str, int]]:
    """Every invalid order is in the shop, among valid ones; returns the order ids by case."""
    placed: dict[str, int] = {}
    for name, case in ORDERS.items():
        order_id = placed[name] = system.supply.order_read_once()
        await system.place(order_id, status="pending")
        order = await _read(system, order_id)
        newest = {"status": "processing", "date_modified_gmt": _soon()}  # never older than what the list shows
        await _replace_order(system, order_id, case.body(order | newest))
    yield placed


def _soon() -> str:
    return (datetime.now(UTC) + timedelta(minutes=1)).replace(microsecond=0, tzinfo=None).isoformat()


async def _read(system: SystemUnderTest, order_id: int) -> dict[str, Any]:
    answer = await system.world.shop.get(f"/wp-json/wc/v3/orders/{order_id}")
    found: dict[str, Any] = answer.raise_for_status().json()
    return found


async def _replace_order(system: SystemUnderTest, order_id: int, body: str) -> None:
    """The order is paid, and from then on the shop answers it with this body."""
    path = f"/wp-json/wc/v3/orders/{order_id}"
    answer = {"status": 200, "headers": {"Content-Type": "application/json"}, "body": body}
    fault = {"kind": "status", "match": f"GET {path}$", **answer}
    (await system.world.shop.post("/_sandbox/faults", json=fault)).raise_for_status()
    (await system.world.shop.put(path, json={"status": "processing"})).raise_for_status()


@pytest.mark.claim("K13")
@pytest.mark.parametrize("name", ORDERS)
async def test_an_invalid_order_becomes_a_dead_letter(
    system: SystemUnderTest, invalid_orders: dict[str, int], name: str
) -> None:
    case, key = ORDERS[name], f"main:{invalid_orders[name]}"
    await system.wait_until(lambda: _about(system, f"{case.about}:{key}"), f"a dead letter about {key}", timeout=30)
    (dead_letter,) = _about(system, f"{case.about}:{key}")
    assert dead_letter.reason == case.reason, dead_letter.detail
    assert str(invalid_orders[name]) in dead_letter.detail
    assert find_text(dead_letter.reason) is not None
    assert key not in system.ledger.sales


def _about(system: SystemUnderTest, delivery: str) -> list[DeadLettered]:
    return [dead_letter for dead_letter in system.ledger.open_dead_letters.values() if dead_letter.about == delivery]


async def test_valid_orders_are_exported_despite_invalid_ones(
    system: SystemUnderTest, invalid_orders: dict[str, int]
) -> None:
    sound = system.supply.orders(2)
    await system.place(*sound)
    await system.wait_until(lambda: {f"main:{i}" for i in sound} <= system.ledger.sales.keys(), "their Sales")
    assert not {f"main:{order_id}" for order_id in invalid_orders.values()} & system.ledger.sales.keys()


@pytest.mark.claim("K13")
@pytest.mark.parametrize("name", UNREADABLE)
async def test_an_unreadable_order_waits_and_delays_no_other(system: SystemUnderTest, name: str) -> None:
    # given an order whose reading fails each time, and another one after it
    unreadable, sound = system.supply.orders(2)
    await system.place(unreadable, status="pending")
    await system.wait_until(lambda: f"main:{unreadable}" in system.ledger.orders, "it was read before")
    await _replace_order(system, unreadable, UNREADABLE[name])
    await system.place(sound)
    # then the other one is exported while the first waits
    await system.wait_until(lambda: f"main:{sound}" in system.ledger.sales, "the other one's Sale")
    assert f"read:main:{unreadable}" in {row.id for row in system.list_waiting_deliveries()}
    assert f"main:{unreadable}" not in system.ledger.sales
    # and it is exported by itself once it can be read
    (await system.world.shop.delete("/_sandbox/faults")).raise_for_status()
    await system.wait_until(lambda: f"main:{unreadable}" in system.ledger.sales, "its Sale")


# -- records in Kafka


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sent(system: SystemUnderTest) -> dict[str, tuple[str, int, int]]:
    """Every invalid record is in its topic; returns its position by case."""
    sender = create_producer(system.settings.kafka, "test")
    await sender.start()
    places = {}
    for name, case in RECORDS.items():
        topic, key = system.world.prefix + case.topic, uuid4().hex.encode()
        at = await sender.send_and_wait(topic, value=case.value, key=key, headers=list(case.headers))
        places[name] = (at.topic, at.partition, at.offset)
    await sender.stop()
    return places


@pytest.mark.claim("K13")
@pytest.mark.parametrize("name", RECORDS)
async def test_an_invalid_record_becomes_a_dead_letter(
    system: SystemUnderTest, sent: dict[str, tuple[str, int, int]], name: str
) -> None:
    case, place = RECORDS[name], sent[name]
    await system.wait_until(lambda: _of_record(system, place), "a dead letter", timeout=30)
    (dead_letter,) = _of_record(system, place)
    assert dead_letter.service == REPORTERS[case.topic]
    assert dead_letter.reason == case.reason, dead_letter.detail
    assert dead_letter.record is not None
    assert dead_letter.record.value == (None if case.value is None else base64.b64encode(case.value).decode())
    assert len(dead_letter.record.headers) == len(case.headers)


def _of_record(system: SystemUnderTest, place: tuple[str, int, int]) -> list[DeadLettered]:
    dead_letters = [one.data for one in system.ledger.story if isinstance(one.data, DeadLettered)]
    with_record = [(dead_letter, dead_letter.record) for dead_letter in dead_letters if dead_letter.record]
    return [
        dead_letter for dead_letter, record in with_record if (record.topic, record.partition, record.offset) == place
    ]


async def test_valid_records_are_processed_after_invalid_ones(system: SystemUnderTest, sent: dict[str, Any]) -> None:
    # orders spread over the partitions, behind what cannot be read
    sound = system.supply.orders(3)
    await system.place(*sound)
    await system.wait_until(lambda: {f"main:{i}" for i in sound} <= system.ledger.sales.keys(), "their Sales")
    # one service reported each record once, on behalf of all that read it
    dead_letters = [dead_letter for place in sent.values() for dead_letter in _of_record(system, place)]
    assert len(dead_letters) == len(RECORDS)


# -- webhooks


@pytest.mark.parametrize("name", WEBHOOKS)
async def test_a_webhook_is_answered_by_its_signature_and_size(system: SystemUnderTest, name: str) -> None:
    status, body, headers = WEBHOOKS[name]
    raw = [(header.encode(), value.encode()) for header, value in headers.items()]
    async with httpx.AsyncClient(timeout=30) as shop:
        answer = await shop.post(f"{_receiver(system)}/webhooks/main", content=body, headers=raw)
    assert answer.status_code == status, answer.text
    assert WEBHOOK_SECRET not in answer.text


async def test_a_webhook_for_an_unknown_shop_is_not_found(system: SystemUnderTest) -> None:
    async with httpx.AsyncClient() as shop:
        elsewhere = await shop.post(f"{_receiver(system)}/webhooks/elsewhere", content=SOUND, headers=sign(SOUND))
        read = await shop.get(f"{_receiver(system)}/webhooks/main")
    assert (elsewhere.status_code, read.status_code) == (404, 405)


async def test_forged_webhooks_are_reported_until_a_valid_one_arrives(system: SystemUnderTest) -> None:
    async with httpx.AsyncClient() as shop:
        for _ in range(3):
            await shop.post(f"{_receiver(system)}/webhooks/main", content=SOUND, headers=sign(SOUND, "forged"))
    await system.wait_until(lambda: Reason.SHOP_WEBHOOK_REFUSED in _reasons(system), "a dead letter about the secret")
    # and the first valid signature closes it
    async with httpx.AsyncClient() as shop:
        await shop.post(f"{_receiver(system)}/webhooks/main", content=SOUND, headers=sign(SOUND))
    await system.wait_until(lambda: Reason.SHOP_WEBHOOK_REFUSED not in _reasons(system), "the dead letter is closed")


def _receiver(system: SystemUnderTest) -> str:
    return f"http://127.0.0.1:{system.world.receiver_port}"


def _reasons(system: SystemUnderTest) -> set[str]:
    return {dead_letter.reason for dead_letter in system.ledger.open_dead_letters.values()}


# -- Balance


async def test_an_invalid_row_from_balance_is_reported_and_the_rest_is_imported(system: SystemUnderTest) -> None:
    # given a price list in which one price is a word
    rows = await _rows(system, "Prices")
    rows[0]["Price"] = "expensive"
    changed = next(row for row in rows[1:] if row["Item"] != rows[0]["Item"])
    changed["Price"] = "4321"
    async with _answering(system, "Prices", rows):
        answer = await system.import_now("prices")
    # then that row is reported, and the others are imported
    assert (answer.figures["faults"], answer.figures["changed"]) == (1, 1)
    await system.wait_until(lambda: Reason.BALANCE_ROW_INVALID in _reasons(system), "a dead letter about the row")
    # and the next valid list closes it
    await system.import_now("prices")
    await system.wait_until(lambda: Reason.BALANCE_ROW_INVALID not in _reasons(system), "the dead letter is closed")


async def test_a_list_without_most_of_its_rows_is_refused(system: SystemUnderTest) -> None:
    events_before = len(system.ledger.story)
    rows = await _rows(system, "Stocks")
    async with _answering(system, "Stocks", [row for row in rows if row["Item"] == rows[0]["Item"]]):
        answer = await system.import_now("stock")
    assert answer.outcome == "refused"
    assert "--accept-loss" in answer.detail
    await system.wait_until(
        lambda: Reason.BALANCE_SNAPSHOT_SHRANK in _reasons(system), "a dead letter about the snapshot"
    )
    assert not _stock_events(system, events_before)
    await system.import_now("stock")
    await system.wait_until(lambda: Reason.BALANCE_SNAPSHOT_SHRANK not in _reasons(system), "the dead letter is closed")


@pytest.mark.parametrize("fault", [{"kind": "truncate", "keep": 900}, {"kind": "status", "status": 200, "body": "[{"}])
async def test_a_truncated_list_publishes_nothing(system: SystemUnderTest, fault: dict[str, Any]) -> None:
    events_before = len(system.ledger.story)
    async with sandbox_requests.inject_fault(system.world.balance, match="GET .*/Stocks$", **fault):
        answer = await system.import_now("stock")
    assert answer.outcome == "refused"
    assert not _stock_events(system, events_before)


def _stock_events(system: SystemUnderTest, since: int) -> list[str]:
    return [one.subject for one in system.ledger.story[since:] if isinstance(one.data, StockChanged)]


async def _rows(system: SystemUnderTest, resource: str) -> list[dict[str, Any]]:
    path = f"/Balance_Exchange/hs/Exchange/{resource}"
    answer = await system.world.balance.get(path, auth=("integration", "sandbox"))
    found: list[dict[str, Any]] = answer.raise_for_status().json()
    return found


def _answering(system: SystemUnderTest, resource: str, rows: list[dict[str, Any]]) -> Any:
    body = httpx.Response(200, json=rows).text
    return sandbox_requests.inject_fault(
        system.world.balance, kind="status", match=f"GET .*/{resource}$", status=200, body=body, times=1
    )


async def test_orders_are_still_exported_after_all_invalid_input(system: SystemUnderTest) -> None:
    order_id = system.supply.order()
    await system.place(order_id)
    await system.wait_until(lambda: f"main:{order_id}" in system.ledger.sales, "its Sale")

    async def nothing_pending() -> bool:
        return not [row for row in system.list_waiting_deliveries() if row.state == "pending"]

    await wait_until(nothing_pending, "nothing is retried forever")
