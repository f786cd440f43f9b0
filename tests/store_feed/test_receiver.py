"""The receiver of webhooks: who is believed, what is answered, and that nothing is answered before it is durable."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from services.engine.outbox.engine import Engine
from services.engine.state.tables import inbox
from services.store_feed.bodies import LARGEST
from services.store_feed.handlers import handlers
from services.store_feed.inbox import Inbox, compact_body
from services.store_feed.records import NAME
from services.store_feed.webhook import WebhookReceiver
from services.store_feed.webhook_health import SignatureMonitor
from tests.store_feed.posting import GONE, ORDER, post, signed, stored
from tests.store_feed.shop_bench import MAIN, SECRET, Intake, intake
from tests.support.engine_bench import Clock, opened

OLD = "the-secret-before"


@pytest.fixture
async def alone(tmp_path: Path) -> AsyncIterator[Engine]:
    """An engine without any shop beside it."""
    async with opened(NAME, handlers([MAIN]), tmp_path / "state", Clock()) as engine:
        yield engine


@pytest.fixture
def rotating(alone: Engine) -> Intake:
    """An intake that trusts a new and an old secret, as while one is rotated."""
    return intake(alone, SECRET, OLD)


@pytest.mark.parametrize(
    ("body", "headers", "status", "kept"),
    [
        (ORDER, signed(ORDER), 200, 1),
        (ORDER, signed(ORDER, OLD), 200, 1),
        (ORDER, {}, 401, 0),
        (ORDER, {"X-WC-Webhook-Signature": ""}, 401, 0),
        (ORDER, signed(ORDER, "a stranger's secret"), 401, 0),
        (ORDER, {"X-WC-Webhook-Signature": signed(ORDER)["X-WC-Webhook-Signature"][:-4]}, 401, 0),
        (ORDER, {"X-WC-Webhook-Signature": signed(ORDER)["X-WC-Webhook-Signature"] + "="}, 401, 0),
        (ORDER.replace(b"17", b"18"), signed(ORDER), 401, 0),
        (b"webhook_id=1", {"Content-Type": "application/x-www-form-urlencoded"}, 200, 0),
        (b"webhook_id=4939\n", {}, 200, 0),
        (b"webhook_id=1", {"X-WC-Webhook-Signature": ""}, 200, 0),
        (b"webhook_id=1", signed(b"webhook_id=1"), 200, 1),
        (b"webhook_id=1", signed(b"webhook_id=1", "a stranger's secret"), 401, 0),
        (b"webhook_id=one", {}, 401, 0),
        (b"webhook_id=1&id=17", {}, 401, 0),
        (b"", {}, 401, 0),
        (b"", signed(b""), 200, 1),
        (GONE, signed(GONE), 200, 1),
        (b"\xff\xfe not json", signed(b"\xff\xfe not json"), 200, 1),
        (b"x" * LARGEST, signed(b"x" * LARGEST), 200, 1),
        (b"x" * (LARGEST + 1), signed(b"x" * (LARGEST + 1)), 413, 0),
    ],
    ids=[
        "signed",
        "signed with the old secret",
        "not signed",
        "empty signature",
        "another secret",
        "truncated signature",
        "longer signature",
        "body of another order",
        "ping",
        "ping with a line end",
        "ping with an empty signature",
        "signed ping",
        "ping signed by a stranger",
        "no ping",
        "ping with more in it",
        "nothing at all",
        "nothing, signed",
        "order gone before it was sent",
        "garbage, signed",
        "as large as may be",
        "too large",
    ],
)
async def test_who_is_believed(
    alone: Engine, rotating: Intake, body: bytes, headers: dict[str, str], status: int, kept: int
) -> None:
    answer = await post(rotating.receiver, body, headers)

    assert (answer.status_code, await stored(alone)) == (status, kept)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/webhooks/other", 404),
        ("POST", "/webhooks/", 404),
        ("POST", "/main", 404),
        ("POST", "/webhooks/main/", 404),
        ("GET", "/webhooks/main", 405),
        ("PUT", "/webhooks/main", 405),
    ],
)
async def test_only_a_known_shop_may_post(alone: Engine, rotating: Intake, method: str, path: str, status: int) -> None:
    transport = httpx.ASGITransport(rotating.receiver)
    async with httpx.AsyncClient(transport=transport, base_url="http://davtari.test") as client:
        answer = await client.request(method, path, content=ORDER, headers=signed(ORDER))

    assert (answer.status_code, await stored(alone)) == (status, 0)
    assert answer.json()["error"]


async def test_a_refusal_says_which_setting_to_fix_and_is_counted(rotating: Intake) -> None:
    answer = await post(rotating.receiver, ORDER, signed(ORDER, "a stranger's secret"))

    assert "shops.main.webhook-secret-files" in answer.json()["fix"]
    assert rotating.receiver.refused == {"main": 1}


async def test_a_shop_without_a_secret_trusts_nobody(alone: Engine) -> None:
    without = WebhookReceiver({MAIN: []}, Inbox(alone.database).accept, SignatureMonitor().record, Random(1))

    assert (await post(without, ORDER, signed(ORDER, ""))).status_code == 401


async def test_a_delivery_that_breaks_off_is_no_wrong_signature(alone: Engine, rotating: Intake) -> None:
    parts = iter([{"type": "http.request", "body": ORDER[:9], "more_body": True}, {"type": "http.disconnect"}])
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return next(parts)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/webhooks/main", "headers": []}
    await rotating.receiver(scope, receive, send)

    assert sent[0]["status"] == 400
    assert (rotating.receiver.refused, await stored(alone)) == ({MAIN: 0}, 0)


async def test_what_cannot_be_made_durable_is_refused_with_503_and_spoils_nothing(
    alone: Engine, rotating: Intake
) -> None:
    async with alone.database.write() as connection:
        await connection.exec_driver_sql("ALTER TABLE inbox RENAME TO inbox_elsewhere")
    refused = await post(rotating.receiver, ORDER, signed(ORDER))
    async with alone.database.write() as connection:
        await connection.exec_driver_sql("ALTER TABLE inbox_elsewhere RENAME TO inbox")

    accepted = await post(rotating.receiver, ORDER, signed(ORDER))

    assert (refused.status_code, accepted.status_code) == (503, 200)
    assert "the sweep will find" in refused.json()["error"]
    assert await stored(alone) == 1


@pytest.mark.claim("S2.16")
async def test_nothing_of_the_buyer_is_kept_of_a_webhook(alone: Engine) -> None:
    body = b'{"id": 17, "billing": {"email": "nino@example.test"}}'

    assert (await post(intake(alone, SECRET).receiver, body, signed(body))).status_code == 200

    async with alone.database.read() as connection:
        assert (await connection.scalars(select(inbox.c.body))).all() == [compact_body(b'{"id":17}')]
