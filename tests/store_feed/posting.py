"""Webhook deliveries as WooCommerce sends them, to a receiver in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import httpx
from sqlalchemy import func, select

from services.engine.outbox.engine import Engine
from services.engine.state.tables import inbox
from services.store_feed.webhook import WebhookReceiver, sign_body
from tests.store_feed.shop_bench import SECRET

ORDER = b'{"id": 17, "status": "processing", "note": "\\u10e7\\u10d0\\u10d5\\u10d0"}'
GONE = b'{"code": "woocommerce_rest_shop_order_invalid_id", "message": "Invalid ID.", "data": {"status": 404}}'


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    """The headers of a delivery."""
    mark = sign_body(body, secret.encode()).decode()
    return {"Content-Type": "application/json", "X-WC-Webhook-Signature": mark, "X-WC-Webhook-Topic": "order.updated"}


async def post(
    receiver: WebhookReceiver, body: bytes, headers: Mapping[str, str], path: str = "/webhooks/main"
) -> httpx.Response:
    """The answer to a delivery."""
    transport = httpx.ASGITransport(receiver)
    async with httpx.AsyncClient(transport=transport, base_url="http://davtari.test") as client:
        return await client.post(path, content=body, headers=headers)


async def posts(receiver: WebhookReceiver, bodies: Sequence[bytes]) -> list[int]:
    """The answers to deliveries that come at the same time."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(receiver), base_url="http://davtari.test") as client:
        sent = [client.post("/webhooks/main", content=body, headers=signed(body)) for body in bodies]
        return [answer.status_code for answer in await asyncio.gather(*sent)]


async def stored(engine: Engine) -> int:
    """How many deliveries wait to be looked at."""
    async with engine.database.read() as connection:
        return await connection.scalar(select(func.count()).select_from(inbox)) or 0
