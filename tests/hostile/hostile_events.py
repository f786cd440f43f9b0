"""Events whose texts attack whoever shows them: the golden samples with hostile texts in every field that takes any."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from contracts.envelope import Undecodable, decode
from contracts.sample import Sample, samples

FORGED = "FORGED: all is well"
HOSTILE = f"=HYPERLINK(1) [bold]x[/] :bomb: <script>\x1b[31m\x9b2J\u202e\u2066\u200b\u2028\x85\ufeff\r\n{FORGED}\r\n"
"""A formula, markup of the terminal and of HTML, colours, a line of its own, text that runs backwards."""
TIES = frozenset(
    {"shop", "item", "sale", "document", "service", "dead_letter", "record", "key_base64url", "kid", "url", "home"}
)
"""Fields that tie events together, or hold bytes."""
_IDENTIFIER = re.compile(r"[0-9a-f-]{8,}|main.*|[\d.:TZ+-]+|[A-Za-z0-9+/=_]{20,}")


def hostile_samples() -> Iterator[Sample]:
    """The golden samples, with hostile texts wherever the contract takes them."""
    for sample in samples():
        value = deepcopy(sample.value)
        for place in list(_texts(value)):
            changed = deepcopy(value)
            _put(changed, place)
            if _is_valid(sample, changed):
                value = changed
        yield Sample(sample.name, sample.topic, sample.key, sample.headers, value)


def _texts(value: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if isinstance(value, str) and not _IDENTIFIER.fullmatch(value) and not TIES.intersection(place):
        yield place
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in parts:
        yield from _texts(part, (*place, name))


def _put(value: Any, place: tuple[str | int, ...]) -> None:
    for step in place[:-1]:
        value = value[step]
    value[place[-1]] = HOSTILE


def _is_valid(sample: Sample, value: dict[str, Any]) -> bool:
    try:
        decode(sample.raw_headers(), json.dumps(value).encode())
    except Undecodable:
        return False
    return True
