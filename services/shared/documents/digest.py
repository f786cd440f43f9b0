"""A short fingerprint of content, to tell whether anything that matters has changed."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import orjson


def digest_of(content: Any) -> str:
    """The digest of JSON-ready content, or of JSON as it was read with Decimals, independent of the order of keys."""
    return blake2b(orjson.dumps(content, default=str, option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()
