"""Bad input of every kind surfaces where a person sees it, under its reason code, and holds nothing else up."""

from __future__ import annotations

import base64
import hmac
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
from tests.end_to_end import journal
from tests.end_to_end.spoiled import ORDERS, RECORDS, UNREADABLE
from tests.end_to_end.stage import ALL, Stage, stage
from tests.end_to_end.waiting import until

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.xdist_group("bad-input"),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(300),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="stage")
async def _stage(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with stage(tmp_path_factory.mktemp("bad-input"), kafka.bootstrap_servers, flows=ALL_LIVE) as made:
        await made.programs.start("up", services=len(ALL))
        await made.closes()
        yield made


# -- orders as the shop answers them


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def spoiled(stage: Stage) -> AsyncIterator[dict[str, int]]:
    """Every spoiled order is in the shop, among sound ones; by its case its number."""
    placed: dict[str, int] = {}
    for name, case in ORDERS.items():
        order_id = placed[name] = stage.supply.order_read_once()
        await stage.place(order_id, status="pending")
        order = await _read(stage, order_id)
        newest = {"status": "processing", "date_modified_gmt": _soon()}  # never older than what the list shows
        await _spoil(stage, order_id, case.body(order | newest))
    yield placed


def _soon() -> str:
    return (datetime.now(UTC) + timedelta(minutes=1)).replace(microsecond=0, tzinfo=None).isoformat()


async def _read(stage: Stage, order_id: int) -> dict[str, Any]:
    answer = await stage.world.shop.get(f"/wp-json/wc/v3/orders/{order_id}")
    found: dict[str, Any] = answer.raise_for_status().json()
    return found


async def _spoil(stage: Stage, order_id: int, body: str) -> None:
    """The order is paid, and from then on the shop answers it with this body."""
    path = f"/wp-json/wc/v3/orders/{order_id}"
    answer = {"status": 200, "headers": {"Content-Type": "application/json"}, "body": body}
    fault = {"kind": "status", "match": f"GET {path}$", **answer}
    (await stage.world.shop.post("/_sandbox/faults", json=fault)).raise_for_status()
    (await stage.world.shop.put(path, json={"status": "processing"})).raise_for_status()


@pytest.mark.claim("K13")
@pytest.mark.parametrize("name", ORDERS)
async def test_a_spoiled_order(stage: Stage, spoiled: dict[str, int], name: str) -> None:
    case, key = ORDERS[name], f"main:{spoiled[name]}"
    await stage.until(lambda: _about(stage, f"{case.about}:{key}"), f"a dead letter about {key}", patience=30)
    (letter,) = _about(stage, f"{case.about}:{key}")
    assert letter.reason == case.reason, letter.detail
    assert str(spoiled[name]) in letter.detail
    assert find_text(letter.reason) is not None
    assert key not in stage.ledger.sales


def _about(stage: Stage, delivery: str) -> list[DeadLettered]:
    return [letter for letter in stage.ledger.open_dead_letters.values() if letter.about == delivery]


async def test_sound_orders_pass_between_the_spoiled_ones(stage: Stage, spoiled: dict[str, int]) -> None:
    sound = stage.supply.orders(2)
    await stage.place(*sound)
    await stage.until(lambda: {f"main:{i}" for i in sound} <= stage.ledger.sales.keys(), "their Sales")
    assert not {f"main:{order_id}" for order_id in spoiled.values()} & stage.ledger.sales.keys()


@pytest.mark.claim("K13")
@pytest.mark.parametrize("name", UNREADABLE)
async def test_an_order_that_cannot_be_read_waits_and_holds_up_no_other(stage: Stage, name: str) -> None:
    # given an order whose reading fails each time, and another one after it
    unreadable, sound = stage.supply.orders(2)
    await stage.place(unreadable, status="pending")
    await stage.until(lambda: f"main:{unreadable}" in stage.ledger.orders, "it was read before")
    await _spoil(stage, unreadable, UNREADABLE[name])
    await stage.place(sound)
    # then the other one goes, while the first waits
    await stage.until(lambda: f"main:{sound}" in stage.ledger.sales, "the other one's Sale")
    assert f"read:main:{unreadable}" in {row.id for row in stage.rows()}
    assert f"main:{unreadable}" not in stage.ledger.sales
    # and it goes by itself once it can be read
    (await stage.world.shop.delete("/_sandbox/faults")).raise_for_status()
    await stage.until(lambda: f"main:{unreadable}" in stage.ledger.sales, "its Sale")


# -- records in Kafka


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sent(stage: Stage) -> dict[str, tuple[str, int, int]]:
    """Every spoiled record is in its topic; by its case where it stands."""
    sender = create_producer(stage.settings.kafka, "somebody")
    await sender.start()
    places = {}
    for name, case in RECORDS.items():
        topic, key = stage.world.prefix + case.topic, uuid4().hex.encode()
        at = await sender.send_and_wait(topic, value=case.value, key=key, headers=list(case.headers))
        places[name] = (at.topic, at.partition, at.offset)
    await sender.stop()
    return places


@pytest.mark.claim("K13")
@pytest.mark.parametrize("name", RECORDS)
async def test_a_spoiled_record(stage: Stage, sent: dict[str, tuple[str, int, int]], name: str) -> None:
    case, place = RECORDS[name], sent[name]
    await stage.until(lambda: _of_record(stage, place), "a dead letter", patience=30)
    (letter,) = _of_record(stage, place)
    assert letter.service == REPORTERS[case.topic]
    assert letter.reason == case.reason, letter.detail
    assert letter.record is not None
    assert letter.record.value == (None if case.value is None else base64.b64encode(case.value).decode())
    assert len(letter.record.headers) == len(case.headers)


def _of_record(stage: Stage, place: tuple[str, int, int]) -> list[DeadLettered]:
    letters = [one.data for one in stage.ledger.story if isinstance(one.data, DeadLettered)]
    with_record = [(letter, letter.record) for letter in letters if letter.record]
    return [letter for letter, record in with_record if (record.topic, record.partition, record.offset) == place]


async def test_sound_records_pass_behind_the_spoiled_ones(stage: Stage, sent: dict[str, Any]) -> None:
    # orders spread over the partitions, behind what cannot be read
    sound = stage.supply.orders(3)
    await stage.place(*sound)
    await stage.until(lambda: {f"main:{i}" for i in sound} <= stage.ledger.sales.keys(), "their Sales")
    # one service said it once for each record, for all that read it
    letters = [letter for place in sent.values() for letter in _of_record(stage, place)]
    assert len(letters) == len(RECORDS)


# -- webhooks


def _signed(body: bytes, secret: str = WEBHOOK_SECRET) -> dict[str, str]:
    made = hmac.digest(secret.encode(), body, "sha256")
    return {"X-WC-Webhook-Signature": base64.b64encode(made).decode()}


SOUND = b'{"id": 1042, "status": "processing"}'
WEBHOOKS: dict[str, tuple[int, bytes, dict[str, str]]] = {
    "signed": (200, SOUND, _signed(SOUND)),
    "no signature": (401, SOUND, {}),
    "a forged signature": (401, SOUND, _signed(SOUND, "another secret")),
    "the signature of another body": (401, SOUND, _signed(b'{"id": 1043}')),
    "half a signature": (401, SOUND, {"X-WC-Webhook-Signature": _signed(SOUND)["X-WC-Webhook-Signature"][:20]}),
    "an empty signature": (401, SOUND, {"X-WC-Webhook-Signature": ""}),
    "a signature that is not ASCII": (401, SOUND, {"X-WC-Webhook-Signature": "ხელმოწერა"}),
    "a ping": (200, b"webhook_id=5", {}),
    "a ping with something in it": (401, b"webhook_id=5&id=1042", {}),
    "signed, broken JSON": (200, b'{"id": ', _signed(b'{"id": ')),
    "signed, a list": (200, b"[1042]", _signed(b"[1042]")),
    "signed, no number": (200, b'{"id": "1042"}', _signed(b'{"id": "1042"}')),
    "signed, a negative number": (200, b'{"id": -5}', _signed(b'{"id": -5}')),
    "too large": (413, b"x" * 6_000_000, {}),
}


@pytest.mark.parametrize("name", WEBHOOKS)
async def test_a_webhook(stage: Stage, name: str) -> None:
    status, body, headers = WEBHOOKS[name]
    raw = [(header.encode(), value.encode()) for header, value in headers.items()]
    async with httpx.AsyncClient(timeout=30) as shop:
        answer = await shop.post(f"{_receiver(stage)}/webhooks/main", content=body, headers=raw)
    assert answer.status_code == status, answer.text
    assert WEBHOOK_SECRET not in answer.text


async def test_a_webhook_for_nobody(stage: Stage) -> None:
    async with httpx.AsyncClient() as shop:
        elsewhere = await shop.post(f"{_receiver(stage)}/webhooks/elsewhere", content=SOUND, headers=_signed(SOUND))
        looked_at = await shop.get(f"{_receiver(stage)}/webhooks/main")
    assert (elsewhere.status_code, looked_at.status_code) == (404, 405)


async def test_forged_webhooks_are_shown_to_a_person(stage: Stage) -> None:
    async with httpx.AsyncClient() as shop:
        for _ in range(3):
            await shop.post(f"{_receiver(stage)}/webhooks/main", content=SOUND, headers=_signed(SOUND, "forged"))
    await stage.until(lambda: Reason.SHOP_WEBHOOK_REFUSED in _reasons(stage), "a dead letter about the secret")
    # and with the first right signature it goes away by itself
    async with httpx.AsyncClient() as shop:
        await shop.post(f"{_receiver(stage)}/webhooks/main", content=SOUND, headers=_signed(SOUND))
    await stage.until(lambda: Reason.SHOP_WEBHOOK_REFUSED not in _reasons(stage), "it is taken back")


def _receiver(stage: Stage) -> str:
    return f"http://127.0.0.1:{stage.world.receiver_port}"


def _reasons(stage: Stage) -> set[str]:
    return {letter.reason for letter in stage.ledger.open_dead_letters.values()}


# -- Balance


async def test_a_row_of_balance_that_makes_no_sense(stage: Stage) -> None:
    # given a price list in which one price is a word
    rows = await _rows(stage, "Prices")
    rows[0]["Price"] = "expensive"
    changed = next(row for row in rows[1:] if row["Item"] != rows[0]["Item"])
    changed["Price"] = "4321"
    async with _answering(stage, "Prices", rows):
        answer = await stage.imported("prices")
    # then that row is shown, and its neighbours are taken
    assert (answer.figures["faults"], answer.figures["changed"]) == (1, 1)
    await stage.until(lambda: Reason.BALANCE_ROW_INVALID in _reasons(stage), "a dead letter about the row")
    # and with the next sound list it goes away by itself
    await stage.imported("prices")
    await stage.until(lambda: Reason.BALANCE_ROW_INVALID not in _reasons(stage), "it is taken back")


async def test_a_list_that_lost_most_of_its_rows_is_held_back(stage: Stage) -> None:
    said = len(stage.ledger.story)
    rows = await _rows(stage, "Stocks")
    async with _answering(stage, "Stocks", [row for row in rows if row["Item"] == rows[0]["Item"]]):
        answer = await stage.imported("stock")
    assert answer.outcome == "refused"
    assert "--accept-loss" in answer.detail
    await stage.until(lambda: Reason.BALANCE_SNAPSHOT_SHRANK in _reasons(stage), "a dead letter about the snapshot")
    assert not _stock_stated(stage, said)
    await stage.imported("stock")
    await stage.until(lambda: Reason.BALANCE_SNAPSHOT_SHRANK not in _reasons(stage), "it is taken back")


@pytest.mark.parametrize("fault", [{"kind": "truncate", "keep": 900}, {"kind": "status", "status": 200, "body": "[{"}])
async def test_a_list_that_breaks_off_states_nothing(stage: Stage, fault: dict[str, Any]) -> None:
    said = len(stage.ledger.story)
    async with journal.trouble(stage.world.balance, match="GET .*/Stocks$", **fault):
        answer = await stage.imported("stock")
    assert answer.outcome == "refused"
    assert not _stock_stated(stage, said)


def _stock_stated(stage: Stage, since: int) -> list[str]:
    return [one.subject for one in stage.ledger.story[since:] if isinstance(one.data, StockChanged)]


async def _rows(stage: Stage, resource: str) -> list[dict[str, Any]]:
    path = f"/Balance_Exchange/hs/Exchange/{resource}"
    answer = await stage.world.balance.get(path, auth=("integration", "sandbox"))
    found: list[dict[str, Any]] = answer.raise_for_status().json()
    return found


def _answering(stage: Stage, resource: str, rows: list[dict[str, Any]]) -> Any:
    body = httpx.Response(200, json=rows).text
    return journal.trouble(
        stage.world.balance, kind="status", match=f"GET .*/{resource}$", status=200, body=body, times=1
    )


async def test_the_lights_are_still_on(stage: Stage) -> None:
    order_id = stage.supply.order()
    await stage.place(order_id)
    await stage.until(lambda: f"main:{order_id}" in stage.ledger.sales, "its Sale")

    async def rested() -> bool:
        return not [row for row in stage.rows() if row.state == "pending"]

    await until(rested, "nothing is tried over and over")
