"""A short fingerprint of content, to tell whether anything that matters has changed."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import Any

import orjson


def digest_of(content: Any) -> str:
    """The digest of JSON-ready content, or of JSON as it was read with Decimals, independent of the order of keys."""
    return blake2b(_dumped(content), digest_size=16).hexdigest()


def _dumped(content: Any) -> bytes:
    try:
        return orjson.dumps(content, default=str, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # integers beyond 64 bits, halves of characters
        return json.dumps(content, default=str, sort_keys=True).encode()
