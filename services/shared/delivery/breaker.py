"""The circuit breaker of one upstream, shared by all lanes toward it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from services.shared.delivery.backoff import unavailable_wait

Wait = Callable[[int], float]
PROBE_LOOK = 0.25
"""Seconds between two looks at what has become of another lane's probe."""


@dataclass(slots=True)
class Breaker:
    """Closed: everything passes. Open: nothing does until `open_until`. Half-open: one probe decides.

    Times are seconds of a monotonic clock, given by the caller.
    """

    wait: Wait = field(default=lambda failures: unavailable_wait(failures, 1.0, 300.0))
    failures: int = 0
    open_until: float = 0.0
    probing: bool = False
    why: str = ""

    def state(self, now: float) -> Literal["closed", "open", "half-open"]:
        """The state at a moment."""
        if self.failures == 0:
            return "closed"
        return "open" if now < self.open_until else "half-open"

    def admit(self, now: float) -> bool:
        """Whether a call may leave now; in half-open only one at a time may, as the probe."""
        match self.state(now):
            case "closed":
                return True
            case "half-open" if not self.probing:
                self.probing = True
                return True
            case _:
                return False

    def pause(self, now: float) -> float:
        """Seconds until a call may be admitted (0 when it may at once)."""
        match self.state(now):
            case "open":
                return self.open_until - now
            case "half-open" if self.probing:
                return PROBE_LOOK
            case _:
                return 0.0

    def succeeded(self, now: float) -> None:
        """The upstream answered: close, unless that was a call which had left before the breaker opened."""
        if self.state(now) == "open":
            return
        self.failures, self.probing, self.open_until, self.why = 0, False, 0.0, ""

    def failed(self, now: float, why: str, after: float | None = None) -> None:
        """The upstream is unavailable: open, for its own Retry-After or for a growing, jittered wait."""
        if self.state(now) == "open":
            return
        self.failures, self.probing, self.why = self.failures + 1, False, why
        self.open_until = now + (after if after is not None else self.wait(self.failures))
