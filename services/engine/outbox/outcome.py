"""The result of one attempt to deliver: five values, matched once, in `settle.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from contracts.model import Event
from contracts.reasons import Reason
from services.engine.state.records import Kind


@dataclass(frozen=True, slots=True)
class Done:
    """The upstream has carried out the delivery, as its answer or a read-back shows.

    `events` are announced with it; `keep` are records (kind, key, record) to store that no event contains.
    """

    events: tuple[Event, ...] = ()
    keep: tuple[tuple[Kind[Any], str, BaseModel], ...] = ()


@dataclass(frozen=True, slots=True)
class Retry:
    """The upstream is unavailable and nothing was sent: the lane waits, no attempt is counted.

    `after` is the upstream's own Retry-After in seconds, if it gave one.
    """

    why: str
    after: float | None = None


@dataclass(frozen=True, slots=True)
class Blocked:
    """Not yet possible: the row waits for the named thing `on`, and for at most the blocked deadline.

    Past the deadline it becomes a dead letter with `reason` and `detail`.
    """

    on: str
    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The message is at fault: a dead letter at once, with a reason code and what a person can do."""

    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Sent, and no answer that proves anything: the next attempt reads before it writes."""

    detail: str


Outcome = Done | Retry | Blocked | Refused | Unknown
