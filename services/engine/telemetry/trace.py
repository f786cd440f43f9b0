"""W3C trace context: a new `traceparent` where a story begins."""

from __future__ import annotations

from random import Random


def new_traceparent(rng: Random) -> str:
    """A sampled trace with a new trace id and span id."""
    return f"00-{rng.getrandbits(128) or 1:032x}-{rng.getrandbits(64) or 1:016x}-01"
