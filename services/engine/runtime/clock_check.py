"""Whether the clock of this machine is right, by the clocks of others: `Date` of HTTP answers, timestamps of Kafka.

A clock that is a day or more off is reported, and no deadline passes by it. Which of two clocks is wrong cannot be told
from here; so until they agree, ours is not relied on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from services.engine.runtime.clock import Clock, utc_now

TOO_FAR = timedelta(days=1)


@dataclass(slots=True)
class ClockCheck:
    """Compares `clock` with the last that was heard of each other one, by its name."""

    clock: Clock = utc_now
    _ahead: dict[str, timedelta] = field(default_factory=dict)

    def heard(self, of: str, their_time: datetime) -> None:
        """What another clock shows now."""
        self._ahead[of] = their_time - self.clock()

    def answered(self, of: str, headers: Mapping[str, str]) -> None:
        """The clock of whoever sent an HTTP answer. A `Date` that is none says nothing; a cache tells its `Age`."""
        try:
            their_time = parsedate_to_datetime(headers["date"]) + timedelta(seconds=int(headers.get("age", "0")))
        except (KeyError, ValueError, OverflowError):
            return
        self.heard(of, their_time if their_time.tzinfo else their_time.replace(tzinfo=UTC))

    def written(self, of: str, timestamp_ms: int) -> None:
        """A record was written at this moment: that it is long ago says nothing, that it is yet to come does."""
        moment = datetime.fromtimestamp(timestamp_ms / 1000, UTC)
        if of in self._ahead or moment - self.clock() >= TOO_FAR:
            self.heard(of, max(moment, self.clock()))

    @property
    def compared(self) -> bool:
        """Whether any other clock was heard of."""
        return bool(self._ahead)

    @property
    def trouble(self) -> str:
        """Which clocks are a day or more away from ours; empty when there is none."""
        far = {of: ahead for of, ahead in self._ahead.items() if abs(ahead) >= TOO_FAR}
        return "; ".join(f"{of} is {_told(ahead)} of this machine" for of, ahead in sorted(far.items()))


def _told(ahead: timedelta) -> str:
    days = abs(ahead) / TOO_FAR
    return f"{days:.1f} days {'ahead' if ahead > timedelta() else 'behind'}"


OURS = ClockCheck()
"""Of this process: all its services share one clock."""
