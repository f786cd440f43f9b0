"""Events that the contract takes and nobody expects: the golden samples with one extreme value each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from contracts.envelope import Envelope, Undecodable, decode
from contracts.model import Event
from contracts.sample import Sample, samples

MOMENTS = ("0001-01-01T00:00:00+00:00", "0001-01-03T00:00:00+00:00", "9999-12-28T23:59:59Z", "9999-12-31T23:59:59Z")
EXTREMES: tuple[Any, ...] = (
    "", "-", "x:y:z", "main", "main:", "main:x", "main:٣", "٢٠٢٦-٠١-٠١", "2026-99-99", "2026-02-30", "A", "\x00",
    "é=", *MOMENTS, 0, -1, 2**31, 2**63 - 1, 2**63, 10**30, "0", "-1", "999999999999", "0e-40", "1e-39", "NaN",
    None, [], {}, True,
)  # fmt: skip

SHARE = 5
"""Each place gets one fifth of the values, another one than its neighbours."""


def extreme_events() -> Iterator[tuple[str, Envelope[Event]]]:
    """The topic and the event, for every place of every golden sample and the values that the contract takes there."""
    for sample in samples():
        for headers, value in [*_headers(sample), *_values(sample)]:
            try:
                yield sample.topic, decode(headers, json.dumps(value).encode())
            except Undecodable:
                continue


def _headers(sample: Sample) -> Iterator[tuple[list[tuple[str, bytes]], Any]]:
    for name in sample.headers:
        for extreme in (*EXTREMES, "999999999999999999"):
            changed = {**sample.headers, name: str(extreme)}
            yield [(key, text.encode()) for key, text in changed.items()], sample.value


def _values(sample: Sample) -> Iterator[tuple[list[tuple[str, bytes]], Any]]:
    for number, place in enumerate(_places(sample.value)):
        for extreme in EXTREMES[number % SHARE :: SHARE]:
            value = deepcopy(sample.value)
            _put(value, place, extreme)
            yield sample.raw_headers(), value


def _places(value: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if place:
        yield place
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in parts:
        yield from _places(part, (*place, name))


def _put(value: Any, place: tuple[str | int, ...], found: Any) -> None:
    for step in place[:-1]:
        value = value[step]
    value[place[-1]] = found
