"""Time: the clock that is passed in everywhere, the time zone of Balance (Asia/Tbilisi), cron expressions, and whether
the clock of this machine is right."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim

Clock = Callable[[], datetime]
"""Returns the current time, aware, in UTC."""
TBILISI = ZoneInfo("Asia/Tbilisi")
TOO_FAR = timedelta(days=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST_MS = 253_000_000_000_000
"""Milliseconds since the epoch, in the year 9987: whoever writes to Kafka sets a record's timestamp to any value."""


def utc_now() -> datetime:
    """The current time, aware, in UTC."""
    return datetime.now(UTC)


def local_day(moment: datetime) -> date:
    """The date of a moment in Tbilisi: from 20:00 UTC on it is the next day."""
    return moment.astimezone(TBILISI).date()


def local_date(moment: datetime) -> str:
    """The date of a moment in Tbilisi as `YYYY-MM-DD`."""
    return local_day(moment).isoformat()


def local_time(moment: datetime, *, seconds: bool = False) -> str:
    """A moment for people, in Tbilisi and with the offset of its zone: `20 Nov 2026 10:03 +04`."""
    return moment.astimezone(TBILISI).strftime(f"%d %b %Y %H:%M{':%S' if seconds else ''} %Z")


def next_run(cron: str, now: datetime) -> datetime:
    """The next moment (UTC) that matches a cron expression in Tbilisi's time."""
    return next(CronSim(cron, now.astimezone(TBILISI))).astimezone(UTC)


@dataclass(slots=True)
class ClockCheck:
    """Compares `clock` with the clocks of others: the `Date` of HTTP answers and the timestamps of Kafka records.

    A difference of a day or more is reported, and no deadline passes meanwhile: which of two clocks is wrong cannot be
    decided from here, so ours is not relied on until they agree.
    """

    clock: Clock = utc_now
    _ahead: dict[str, timedelta] = field(default_factory=dict)

    def compare(self, source: str, their_time: datetime) -> None:
        """Compare with the current time of another clock; only the last comparison with each source counts."""
        self._ahead[source] = their_time - self.clock()

    def compare_http(self, source: str, headers: Mapping[str, str]) -> None:
        """Compare with the `Date` of an HTTP answer plus its `Age` in a cache; an invalid `Date` is ignored."""
        try:
            their_time = parsedate_to_datetime(headers["date"]) + timedelta(seconds=int(headers.get("age", "0")))
        except (KeyError, ValueError, OverflowError):
            return
        self.compare(source, their_time if their_time.tzinfo else their_time.replace(tzinfo=UTC))

    def compare_record(self, source: str, timestamp_ms: int) -> None:
        """Compare with a record's timestamp: one in the past proves nothing, one in the future does."""
        moment = EPOCH + timedelta(milliseconds=max(0, min(timestamp_ms, LAST_MS)))
        if source in self._ahead or moment - self.clock() >= TOO_FAR:
            self.compare(source, max(moment, self.clock()))

    @property
    def is_compared(self) -> bool:
        """Whether any other clock is known."""
        return bool(self._ahead)

    @property
    def problem(self) -> str:
        """Which clocks differ from ours by a day or more; empty when none does."""
        far = {source: ahead for source, ahead in self._ahead.items() if abs(ahead) >= TOO_FAR}
        return "; ".join(
            f"{source} is {_describe_offset(ahead)} of this machine" for source, ahead in sorted(far.items())
        )


def _describe_offset(ahead: timedelta) -> str:
    days = abs(ahead) / TOO_FAR
    return f"{days:.1f} days {'ahead' if ahead > timedelta() else 'behind'}"


PROCESS_CLOCK_CHECK = ClockCheck()
"""The check of this process: all its services share one clock."""
