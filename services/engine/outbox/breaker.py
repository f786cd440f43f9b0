"""The circuit breaker of one upstream, shared by all its lanes; any answered call of the process can close it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol
from weakref import WeakSet

from services.engine.backoff import LONGEST_WAIT, unavailable_wait


class AnswerListener(Protocol):
    """Something that waits while an upstream does not answer, such as a circuit breaker."""

    def answered(self, began: float) -> None:
        """A call that began at this time of the monotonic clock was answered."""


_LISTENERS: defaultdict[str, WeakSet[AnswerListener]] = defaultdict(WeakSet)
"""By URL of the upstream. A listener that nobody references any more is removed automatically."""


def add_listener(address: str, listener: AnswerListener) -> None:
    """Report answered calls to this URL to the listener from now on."""
    _LISTENERS[address].add(listener)


def notify_answered(address: str, began: float) -> None:
    """Report a call to this URL, begun at this time of the monotonic clock, that was answered by the API itself."""
    for listener in list(_LISTENERS.get(address, ())):
        listener.answered(began)


Wait = Callable[[int], float]
PROBE_LOOK = 0.25
"""Seconds between two checks whether another lane's probe has finished."""
FIRST_FLOOR = 5.0
"""Minimum seconds that a breaker stays open after an early probe failed; doubled with each further failed one."""


@dataclass(slots=True, eq=False, weakref_slot=True)
class Breaker:
    """Closed: everything passes. Open: nothing does until `open_until`. Half-open: one probe decides.

    It is open for `LONGEST` at most, and half-open at once when another call to the upstream has been answered:
    then `on_reopening` is called. Times are seconds of a monotonic clock, given by the caller.
    """

    wait: Wait = field(default=lambda failures: unavailable_wait(failures, 1.0, LONGEST_WAIT))
    failures: int = 0
    opened_at: float = 0.0
    open_until: float = 0.0
    probing: bool = False
    why: str = ""
    on_half_open: list[Callable[[], None]] = field(default_factory=list)
    probes_early: bool = False
    failed_probes: int = 0

    def state(self, now: float) -> Literal["closed", "open", "half-open"]:
        """The state at the given time."""
        if self.failures == 0:
            return "closed"
        return "open" if now < self.open_until else "half-open"

    def admit(self, now: float) -> bool:
        """Whether a call may be made now; when half-open only one at a time, as the probe."""
        match self.state(now):
            case "closed":
                return True
            case "half-open" if not self.probing:
                self.probing = True
                return True
            case _:
                return False

    def pause(self, now: float) -> float:
        """Seconds until a call may be admitted; 0 if one may be now."""
        match self.state(now):
            case "open":
                return self.open_until - now
            case "half-open" if self.probing:
                return PROBE_LOOK
            case _:
                return 0.0

    def succeeded(self, now: float) -> None:
        """The upstream answered: close, unless the call was made before the breaker opened."""
        if self.state(now) == "open":
            return
        self.failures, self.probing, self.open_until, self.why = 0, False, 0.0, ""
        self.probes_early, self.failed_probes = False, 0

    def failed(self, now: float, why: str, after: float | None = None) -> None:
        """The upstream is unavailable: open for its own Retry-After, or for a growing wait with jitter."""
        if self.state(now) == "open":
            return
        self.failed_probes += self.probes_early
        self.failures, self.probing, self.why, self.probes_early = self.failures + 1, False, why, False
        self.opened_at = now
        self.open_until = now + min(after if after is not None else self.wait(self.failures), LONGEST_WAIT)

    def answered(self, began: float) -> None:
        """Another caller's call, made at time `began`, was answered: the next of ours may be tried at once.

        If others are answered and ours are not (blocked writes, for example), ours are tried more and more rarely.
        """
        floor = self.opened_at + FIRST_FLOOR * 2 ** (self.failed_probes - 1) if self.failed_probes else 0.0
        if self.failures and self.opened_at < began < self.open_until and self.open_until > floor:
            self.open_until, self.probes_early = max(began, floor), True
            for reopening in self.on_half_open:
                reopening()
