"""Is a webhook delivery really from the shop? base64(HMAC-SHA256(secret, raw body)); only the body is signed."""

from __future__ import annotations

import hmac
import re
from base64 import b64encode
from collections.abc import Sequence

PING = re.compile(rb"webhook_id=\d+")


def signature(body: bytes, secret: bytes) -> bytes:
    """The signature that WooCommerce puts into `X-WC-Webhook-Signature`."""
    return b64encode(hmac.digest(secret, body, "sha256"))


def is_signed(body: bytes, given: bytes | None, secrets: Sequence[bytes]) -> bool:
    """Whether the body was signed with one of the secrets (two while one is rotated); in constant time."""
    if not given:
        return False
    matches = [hmac.compare_digest(signature(body, secret), given) for secret in secrets]
    return any(matches)


def is_ping(body: bytes, given: bytes | None) -> bool:
    """The unsigned `webhook_id=N` that WooCommerce sends when a webhook is made (API fact); it carries nothing."""
    return not given and PING.fullmatch(body.strip()) is not None
