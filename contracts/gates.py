"""Whether a flow may go live: what was looked at before it, when, and what came of it."""

from __future__ import annotations

from typing import ClassVar, Literal

from contracts.model import Event, Instant

Verdict = Literal["passed", "shut", "lost"]


class GateChecked(Event):
    """A service has looked at what its live flows need. Published when that changes, and otherwise once a day.

    `passed`: all of it was found, the flows go. `shut`: they have not begun, `why` says what is missing. `lost`: it had
    passed, and now something is gone; the flows go on, so that a false alarm stops nobody, and a person must look.
    """

    TYPE: ClassVar[str] = "davtari.GateChecked.v1"
    TOPIC: ClassVar[str] = "operations"
    service: str
    gate: str
    """Its name within the service: `balance`, `orders`, `shop:main`."""
    flows: tuple[str, ...]
    verdict: Verdict
    looked_at: tuple[str, ...] = ()
    why: tuple[str, ...] = ()
    about: str = ""
    """A digest of the connection that was looked at: another one has to pass again."""
    since: Instant
    passed_at: Instant | None = None
    """When it passed last, with this connection."""
    checked_at: Instant

    @property
    def key(self) -> str:
        return f"gate:{self.service}:{self.gate}"
