"""Posting events to a URL, signed as Standard Webhooks says, again and again until they are taken.

Headers: `webhook-id` (the event's id, the same for every repetition: the receiver's idempotency key),
`webhook-timestamp` (seconds, of this attempt), `webhook-signature` (one `v1,<base64>` per secret, for rotation).
Signed is `<id>.<timestamp>.<body>` with HMAC-SHA256.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_random_exponential

from .cloud_event import CONTENT_TYPE

log = logging.getLogger("webhook_bridge")
PREFIX = "whsec_"


class NotTaken(Exception):
    """The receiver answered, but not with 2xx."""


def secret(text: str) -> bytes:
    """The key out of `whsec_<base64>`. Raises `ValueError` for anything else."""
    if not text.startswith(PREFIX):
        raise ValueError(f"a signing secret begins with {PREFIX}, base64 follows")
    return base64.b64decode(text.removeprefix(PREFIX), validate=True)


def signature(key: bytes, id_: str, timestamp: int, body: bytes) -> str:
    """The signature of one attempt, with its version: `v1,<base64>`."""
    signed = hmac.new(key, f"{id_}.{timestamp}.".encode() + body, hashlib.sha256)
    return "v1," + base64.b64encode(signed.digest()).decode()


@dataclass(frozen=True)
class Webhook:
    """Where events go. `longest_wait` (seconds) bounds the growing waits between two attempts."""

    client: httpx.AsyncClient
    url: str
    secrets: Sequence[bytes]
    clock: Callable[[], float]
    first_wait: float = 0.5
    longest_wait: float = 60.0

    async def deliver(self, event: dict[str, Any]) -> None:
        """Post an event; returns when it was answered with 2xx, and tries for ever until then."""
        trying = AsyncRetrying(
            wait=wait_random_exponential(multiplier=self.first_wait, max=self.longest_wait),
            retry=retry_if_exception_type((httpx.TransportError, NotTaken)),
            before_sleep=lambda state: _log_retry(event, state),
        )
        body = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        async for attempt in trying:
            with attempt:
                await self._post(event["id"], body)

    async def _post(self, id_: str, body: bytes) -> None:
        answer = await self.client.post(self.url, content=body, headers=self._headers(id_, body))
        if not answer.is_success:
            raise NotTaken(f"{answer.status_code} {answer.text[:200]}")

    def _headers(self, id_: str, body: bytes) -> dict[str, str]:
        timestamp = int(self.clock())
        signatures = [signature(key, id_, timestamp, body) for key in self.secrets]
        return {
            "content-type": CONTENT_TYPE,
            "webhook-id": id_,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": " ".join(signatures),
        }


def _log_retry(event: dict[str, Any], state: RetryCallState) -> None:
    why = state.outcome.exception() if state.outcome else None
    wait = state.upcoming_sleep
    log.warning("event %s of %s waits %.1f s: %r", event["id"], event.get("subject"), wait, why)
