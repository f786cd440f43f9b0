"""One row of the outbox, as a delivery sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from contracts.ledger import Attempt


@dataclass(frozen=True, slots=True)
class Row:
    """A due delivery. `attempts` holds those that did not simply succeed; `version` grows when it is replaced."""

    id: str
    kind: str
    lane: str
    key: str
    subject: str
    payload: dict[str, Any]
    attempts: tuple[Attempt, ...] = ()
    version: int = 1
    blocked_on: str | None = None
