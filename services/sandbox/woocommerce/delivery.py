"""Webhook deliveries: a queue in order, signed, without retries."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

import httpx

from services.sandbox.woocommerce.errors import RestError
from services.sandbox.woocommerce.rest import encode_php_json
from services.sandbox.woocommerce.shop import Document, SandboxShop
from services.sandbox.woocommerce.webhooks import record_result

SUCCESS_STATUSES = range(200, 303)


@dataclass(frozen=True)
class QueuedDelivery:
    """A queued delivery; its body is the state of the object at delivery time."""

    webhook_id: int
    topic: str
    object_id: int


@dataclass(frozen=True)
class SentDelivery:
    """A delivery that was sent; `status` is None without a response."""

    webhook_id: int
    url: str
    headers: dict[str, str]
    body: bytes
    status: int | None


@dataclass(frozen=True)
class DeliveryManner:
    """How deliveries misbehave: each sent `repeat` times, in random order, every `drop_every`-th lost, `delay`
    seconds before each. `hold` keeps them queued until a drain is asked for."""

    repeat: int = 1
    shuffle: bool = False
    drop_every: int = 0
    delay: float = 0
    hold: bool = False


class WebhookQueue:
    """Queues a delivery for every webhook that wants an event, and sends them one after the other.

    WooCommerce facts 63 and 64: a pending delivery of the same webhook and object is not queued twice; the body
    is the object as it is at delivery time; there is no retry.
    """

    def __init__(self, shop: SandboxShop, show: Callable[[str, int], Document], rng: Random) -> None:
        self.shop = shop
        self.show = show
        self.rng = rng
        self.manner = DeliveryManner(hold=shop.settings.hold_deliveries)
        self.client: httpx.AsyncClient | None = None
        self.pending: dict[QueuedDelivery, None] = {}
        self.sent: deque[SentDelivery] = deque(maxlen=2000)
        self.dropped = 0
        self._passed = 0
        self._one_at_a_time = asyncio.Lock()
        shop.listeners.append(self.queue)

    def queue(self, topic: str, object_id: int) -> None:
        """Queues an event for the active webhooks of its topic."""
        for webhook in self.shop.webhooks.values():
            if webhook["status"] == "active" and webhook["topic"] == topic:
                self.pending.setdefault(QueuedDelivery(webhook["id"], topic, object_id))

    async def ping(self) -> None:
        """Sends the pings that are due: form-encoded, unsigned. One that fails is due again with the next delivery."""
        for webhook in list(self.shop.webhooks.values()):
            if webhook["ping_due"] == "now" and webhook["status"] == "active":
                await self._ping(webhook)

    async def drain(self, manner: DeliveryManner | None = None, again: int = 0) -> int:
        """Sends what is queued, and the last `again` deliveries once more; returns how many were sent or dropped."""
        manner = manner or self.manner
        async with self._one_at_a_time:
            due: list[QueuedDelivery | SentDelivery] = [*self.pending, *list(self.sent)[len(self.sent) - again :]]
            due = [one for one in due for _ in range(manner.repeat)]
            if manner.shuffle:
                self.rng.shuffle(due)
            for one in due:
                await self._deliver(one, manner)
            return len(due)

    async def drain_all(self) -> None:
        """Sends until the queue is empty."""
        while self.pending:
            await self.drain()

    async def _deliver(self, one: QueuedDelivery | SentDelivery, manner: DeliveryManner) -> None:
        if manner.delay:
            await asyncio.sleep(manner.delay)
        message = self._render(one) if isinstance(one, QueuedDelivery) else one
        webhook = self.shop.webhooks.get(one.webhook_id)
        if webhook is None or webhook["status"] != "active" or message is None:
            return
        self._passed += 1
        if manner.drop_every and self._passed % manner.drop_every == 0:
            self.dropped += 1
            return
        if webhook["ping_due"]:
            await self._ping(webhook)
        status = await self._post(message.url, message.headers, message.body)
        self.sent.append(SentDelivery(message.webhook_id, message.url, message.headers, message.body, status))
        record_result(self.shop, webhook, status in SUCCESS_STATUSES)

    def _render(self, due: QueuedDelivery) -> SentDelivery | None:
        """Renders a queued delivery now; None if the webhook was deleted."""
        self.pending.pop(due, None)
        webhook = self.shop.webhooks.get(due.webhook_id)
        if webhook is None:
            return None
        body = encode_php_json(self._payload(due))
        return SentDelivery(due.webhook_id, webhook["delivery_url"], self._headers(webhook, due, body), body, None)

    def _payload(self, due: QueuedDelivery) -> Any:
        """The body of a delivery; for a deleted object it is an error, correctly signed (WooCommerce fact 63)."""
        resource, _, event = due.topic.partition(".")
        if event == "deleted":
            return {"id": due.object_id}
        try:
            return self.show(resource, due.object_id)
        except RestError as wrong:
            return wrong.body()

    def _headers(self, webhook: Document, due: QueuedDelivery, body: bytes) -> dict[str, str]:
        resource, _, event = due.topic.partition(".")
        second = int(self.shop.now().timestamp())
        made = hmac.new(webhook["secret"].encode(), body, hashlib.sha256).digest()
        return {
            "User-Agent": self._agent,
            "Content-Type": "application/json",
            "X-WC-Webhook-Source": self.shop.url("/"),
            "X-WC-Webhook-Topic": due.topic,
            "X-WC-Webhook-Resource": resource,
            "X-WC-Webhook-Event": event,
            "X-WC-Webhook-Signature": base64.b64encode(made).decode(),
            "X-WC-Webhook-ID": str(webhook["id"]),
            "X-WC-Webhook-Delivery-ID": delivery_id(webhook["id"], second),
        }

    @property
    def _agent(self) -> str:
        return f"WooCommerce/{self.shop.settings.version} Hookshot (WordPress/6.8.8)"

    async def _ping(self, webhook: Document) -> None:
        headers = {"User-Agent": self._agent, "Content-Type": "application/x-www-form-urlencoded"}
        body = f"webhook_id={webhook['id']}".encode()
        status = await self._post(webhook["delivery_url"], headers, body)
        webhook["ping_due"] = "" if status in SUCCESS_STATUSES else "later"

    async def _post(self, url: str, headers: dict[str, str], body: bytes) -> int | None:
        if self.client is None:
            self.client = httpx.AsyncClient(timeout=60)
        try:
            return (await self.client.post(url, headers=headers, content=body)).status_code
        except httpx.HTTPError:
            return None  # no response: the caller counts a failure


def delivery_id(webhook_id: int, second: int) -> str:
    """One id for all deliveries of a webhook within a second (WooCommerce fact 62)."""
    return hashlib.md5(f"{webhook_id}-{second}".encode(), usedforsecurity=False).hexdigest()
