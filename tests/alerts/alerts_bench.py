"""The rules of alerts on a real state database, with a clock and recipients that the test controls."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from contracts.envelope import wrap
from contracts.model import Event
from services.alerts.handlers import alert_lane_name, handlers
from services.alerts.message import Notice
from services.engine.outbox.outcome import Done
from services.settings.model import Settings
from tests.outbox.bench import Bench, open_bench
from tests.outbox.sample_service import record_of


@dataclass
class AlertsBench:
    """An engine bench whose recipients accept every due message when the test moves the clock."""

    bench: Bench
    settings: Settings
    sent: list[Notice] = field(default_factory=list)
    offset: int = 0

    async def take(self, *facts: Event, version: int = 1) -> None:
        """Handle these events in one batch."""
        records = []
        for fact in facts:
            self.offset += 1
            reported = wrap(fact, version=version, source="order-exporter", time=self.bench.clock())
            records.append(record_of(reported, self.offset))
        await self.bench.take(*records)

    async def advance(self, **time: float) -> list[Notice]:
        """Move the clock; returns the messages sent then."""
        self.bench.clock.now += timedelta(**time)
        while await self.bench.engine.decide_due():
            continue
        before = len(self.sent)
        assert self.settings.alerts is not None
        for name in self.settings.alerts.recipients:
            while rows := await self.bench.engine.claim(alert_lane_name(name), 10, ()):
                for row in rows:
                    notice = Notice.model_validate(row.payload)
                    self.sent.append(notice)
                    event = notice.sent(self.bench.clock(), dry_run=self.settings.alerts.dry_run)
                    await self.bench.settle(row, Done((event,)))
        return self.sent[before:]


@asynccontextmanager
async def open_alerts_bench(folder: Path, settings: Settings) -> AsyncIterator[AlertsBench]:
    """A bench of the alerts service over the database in a folder."""
    assert settings.alerts is not None
    async with open_bench(folder, handlers(settings, settings.alerts)) as bench:
        yield AlertsBench(bench, settings)
