"""By what a payload is recognised."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import orjson


def digest_of(payload: dict[str, Any]) -> str:
    """A short digest of a JSON-ready payload, independent of the order of its keys."""
    return blake2b(orjson.dumps(payload, option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()


def letter_digest(payload: dict[str, Any], blocked_on: str | None) -> str:
    """What a dead letter is recognised by: the payload, and what it was blocked on when its deadline passed."""
    return digest_of(payload) + (f"|{blocked_on}" if blocked_on else "")
