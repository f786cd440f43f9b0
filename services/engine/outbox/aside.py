"""Whose failure is it: the upstream's, or that of one row on which the upstream fails each time (claim K13)?

An order whose mere reading makes a plugin crash answers 500 like a shop that is down. What tells them apart are the
other rows: a row that fails again although others were answered meanwhile is at fault itself, and waits by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

MOST = 10_000
"""Rows remembered at most; beyond that all are tried afresh."""


@dataclass(slots=True)
class Failure:
    """How often a row failed in a row, whether others were answered since the first time, and until when it waits."""

    count: int = 0
    others: bool = False
    until: float = 0.0


class Aside:
    """The rows of one lane that failed last time.

    Times are seconds of a monotonic clock; `wait` gives the seconds after so many failures in a row.
    """

    def __init__(self, wait: Callable[[int], float]) -> None:
        self._wait = wait
        self._failures: dict[str, Failure] = {}

    def __contains__(self, id_: str) -> bool:
        return id_ in self._failures

    def failed(self, ids: Collection[str], now: float) -> bool:
        """Note rows that failed. Whether all of them are at fault themselves, and not the upstream."""
        if len(self._failures) > MOST:
            self._failures.clear()
        found = [self._failures.setdefault(id_, Failure()) for id_ in ids]
        for failure in found:
            failure.count += 1
            failure.until = now + self._wait(failure.count) if failure.others else 0.0
        return all(failure.others for failure in found)

    def answered(self, ids: Iterable[str]) -> None:
        """Note rows that the upstream has answered: it is there, and all others have one more chance at once."""
        answered = [self._failures.pop(id_, None) for id_ in ids]
        for failure in self._failures.values() if answered else ():
            failure.others = True

    def skipped(self, now: float, *, probing: bool) -> set[str]:
        """Rows that are not to leave now. The upstream is better probed with a row that did not fail before.

        One that is at fault itself would keep the breaker open for ever, if both had waited for the same time.
        """
        return {id_ for id_, one in self._failures.items() if probing or one.until > now}

    def pause(self, now: float) -> float:
        """Seconds until the next of them may leave."""
        return min((one.until - now for one in self._failures.values() if one.until > now), default=float("inf"))
