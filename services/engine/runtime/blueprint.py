"""What the `app.py` of a service states about it: its rules, its lanes and its own tasks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from services.engine.outbox.engine import Engine
from services.engine.outbox.handlers import Handlers
from services.engine.outbox.lane import Lane
from services.engine.runtime.gate import Gate
from services.engine.state.records import Kind
from services.engine.telemetry.families import ReadMetrics
from services.settings.base import Section

Task = Callable[[Engine], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Blueprint:
    """A service as it is to be run.

    `fingerprint` is a digest of the settings that the rules depend on: when it changes, every subject is decided again.
    `early_tasks` run from the start, also while Kafka is unavailable; `tasks` run after the catch-up. Lanes behind
    `gates` open when the checks of their flows have passed; a gate without lanes only reports. `readings` are the
    service's own metrics. `kinds`: the kinds of its records that have a table of their own. `personal`: its
    rules need the data of people. A service that is not personal never reads their keys, so that it needs no right to
    them on Kafka.
    """

    name: str
    handlers: Handlers
    fingerprint: str
    lanes: Sequence[Lane] = ()
    tasks: Sequence[Task] = ()
    early_tasks: Sequence[Task] = ()
    readings: Sequence[ReadMetrics] = ()
    gates: Sequence[Gate] = ()
    kinds: Sequence[Kind[Any]] = ()
    personal: bool = True


def fingerprint(sections: Iterable[Section]) -> str:
    """A digest of settings; it changes whenever one of the sections does."""
    text = "\n".join(section.model_dump_json() for section in sections)
    return blake2b(text.encode(), digest_size=16).hexdigest()
