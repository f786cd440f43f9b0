"""The receiver of webhooks: verify, store durably, answer. It does nothing else, so that the shop never waits."""

from __future__ import annotations

import hmac
import json
import logging
import re
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from random import Random
from time import monotonic
from typing import Any, Protocol

from opentelemetry.trace import SpanKind

from services.connectors.woocommerce.webhooks import WEBHOOK_PATH
from services.engine.state.errors import describe_temporary_failure
from services.engine.telemetry import metrics
from services.engine.telemetry.tracing import new_traceparent, span, traceparent
from services.store_feed.bodies import LARGEST, Bodies, BodyTooLarge, BodyTooSlow, SenderDisconnected
from services.store_feed.inbox import WebhookDelivery

PING = re.compile(rb"webhook_id=\d+")
SIGNATURE_FORM = re.compile(rb"[A-Za-z0-9+/]{43}=")


def sign_body(body: bytes, secret: bytes) -> bytes:
    """Return the value of `X-WC-Webhook-Signature`: base64(HMAC-SHA256(secret, raw body)) (WooCommerce fact 61)."""
    return b64encode(hmac.digest(secret, body, "sha256"))


def is_signed(body: bytes, given: bytes | None, secrets: Sequence[bytes]) -> bool:
    """Return whether the body was signed with one of the secrets (two during a rotation); in constant time."""
    if not given:
        return False
    matches = [hmac.compare_digest(sign_body(body, secret), given) for secret in secrets]
    return any(matches)


def is_ping(body: bytes, given: bytes | None) -> bool:
    """Return whether this is the unsigned `webhook_id=N` sent when a webhook is created (WooCommerce fact 60)."""
    return not given and PING.fullmatch(body.strip()) is not None


def may_be_signature(given: bytes | None) -> bool:
    """Whether a header has the form of a signature, 32 bytes in base64; known before the body is read."""
    return SIGNATURE_FORM.fullmatch(given or b"") is not None


log = logging.getLogger(__name__)
Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
SIGNATURE = b"x-wc-webhook-signature"
LARGEST_PING = 64
"""Bytes of a body without a signature: only `webhook_id=N` is taken, so nothing longer is read."""
LOG_SECONDS = 10.0
"""Seconds between two log lines about refused webhooks of a shop."""
REFUSALS = {
    400: "broken-off",
    401: "bad-signature",
    404: "unknown-shop",
    408: "too-slow",
    413: "too-large",
    503: "not-stored",
}
"""The results of refused webhooks in the metric."""


class SignatureObserver(Protocol):
    """Is called with the result of every signature check."""

    def __call__(self, shop: str, *, signed: bool) -> None: ...


class WebhookReceiver:
    """An ASGI app: `POST /webhooks/<shop>`.

    It answers 200 once the webhook is durable, or to the unsigned ping; 401 to a missing or wrong signature; 404 for a
    shop that is not in the settings; 503 if it could not be stored.
    """

    def __init__(
        self,
        secrets: Mapping[str, Sequence[bytes]],
        accept: Callable[[WebhookDelivery], Awaitable[None]],
        on_signature: SignatureObserver,
        rng: Random,
    ) -> None:
        """`secrets` by shop; `accept` returns once a webhook is durable; `on_signature` observes every signature."""
        self._secrets, self._accept, self._on_signature, self._rng = secrets, accept, on_signature, rng
        self._bodies = Bodies()
        self._logged_at = dict.fromkeys(secrets, -LOG_SECONDS)
        self.refused = dict.fromkeys(secrets, 0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        status, answer = await self._handle(scope, receive)
        body = json.dumps(answer).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        if status >= 400:
            headers.append((b"connection", b"close"))  # what remains of the body is not read
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _handle(self, scope: Scope, receive: Receive) -> tuple[int, dict[str, str]]:
        """Answer a request in a span, and count it."""
        shop = scope["path"].removeprefix(WEBHOOK_PATH)
        known = shop if shop in self._secrets else ""
        about = {"http.request.method": scope["method"], "http.route": WEBHOOK_PATH + "<shop>", "davtari.shop": known}
        with span("POST " + WEBHOOK_PATH, SpanKind.SERVER, about) as current:
            status, answer = await self._answer(scope, receive)
            current.set_attribute("http.response.status_code", status)
        result = answer.get("status") or REFUSALS.get(status, "refused")
        metrics.WEBHOOKS.labels(known, result).inc()
        return status, answer

    async def _answer(self, scope: Scope, receive: Receive) -> tuple[int, dict[str, str]]:
        shop = scope["path"].removeprefix(WEBHOOK_PATH)
        if scope["method"] != "POST":
            return 405, {"error": "webhooks are sent with POST"}
        if shop not in self._secrets:
            return 404, {"error": f"the settings have no shop {shop!r}; the delivery URL ends in /webhooks/<shop>"}
        given = _header(scope, SIGNATURE)
        largest = LARGEST if may_be_signature(given) else LARGEST_PING
        try:
            body = await self._bodies.read(receive, _length(scope), largest)
        except BodyTooLarge:
            if largest < LARGEST:
                return self._refuse(shop, given)
            return 413, {"error": f"the body has more than {LARGEST} bytes"}
        except BodyTooSlow:
            return 408, {"error": "the body took too long to arrive; the sweep will find the change"}
        except SenderDisconnected:
            return 400, {"error": "the body is incomplete"}
        return await self._verify_and_store(shop, body, scope)

    async def _verify_and_store(self, shop: str, body: bytes, scope: Scope) -> tuple[int, dict[str, str]]:
        given = _header(scope, SIGNATURE)
        if is_ping(body, given):
            return 200, {"status": "pong"}
        if not is_signed(body, given, self._secrets[shop]):
            return self._refuse(shop, given)
        try:
            trace = traceparent() or new_traceparent(self._rng)
            await self._accept(WebhookDelivery(shop, _topic(scope), body, trace, _source(scope)))
        except Exception as error:
            why = describe_temporary_failure(error)
            fields = {"shop": shop, "why": why or repr(error)}
            log.error("webhook could not be stored", extra=fields, exc_info=None if why else error)
            return 503, {"error": "not stored; the sweep will find the change"}
        self._on_signature(shop, signed=True)
        return 200, {"status": "stored"}

    def _refuse(self, shop: str, given: bytes | None) -> tuple[int, dict[str, str]]:
        self.refused[shop] += 1
        what = "wrong" if given else "missing"
        if given:
            self._on_signature(shop, signed=False)
        self._log_refused(shop, what)
        fix = f"give the webhook in WooCommerce the secret of shops.{shop}.webhook-secret-files"
        return 401, {"error": f"the signature is {what}", "code": "webhook.signature", "fix": fix}

    def _log_refused(self, shop: str, what: str) -> None:
        """Log one line for many refusals: whoever floods the receiver does not flood the log."""
        if monotonic() - self._logged_at[shop] >= LOG_SECONDS:
            self._logged_at[shop] = monotonic()
            log.warning("webhook refused", extra={"shop": shop, "signature": what, "refused": self.refused[shop]})


def _length(scope: Scope) -> int | None:
    given = _header(scope, b"content-length")
    return int(given) if given and given.isdigit() else None


def _topic(scope: Scope) -> str:
    return (_header(scope, b"x-wc-webhook-topic") or b"").decode("latin-1")


def _source(scope: Scope) -> str:
    return (_header(scope, b"x-wc-webhook-source") or b"").decode("latin-1")


def _header(scope: Scope, wanted: bytes) -> bytes | None:
    return next((value for name, value in scope["headers"] if name == wanted), None)
