"""The rules of alerts on a real state database, with a clock and a post office in the test's hand."""

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
from tests.outbox.shelf import of_envelope


@dataclass
class Desk:
    """A bench whose recipients take whatever is due, when the test lets time pass."""

    bench: Bench
    settings: Settings
    post: list[Notice] = field(default_factory=list)
    offset: int = 0

    async def learns(self, *facts: Event, version: int = 1) -> None:
        """These events are read, in one batch."""
        records = []
        for fact in facts:
            self.offset += 1
            reported = wrap(fact, version=version, source="order-exporter", time=self.bench.clock())
            records.append(of_envelope(reported, self.offset))
        await self.bench.take(*records)

    async def after(self, **time: float) -> list[Notice]:
        """Let time pass; gives what is sent then."""
        self.bench.clock.now += timedelta(**time)
        while await self.bench.engine.decide_due():
            continue
        before = len(self.post)
        assert self.settings.alerts is not None
        for name in self.settings.alerts.recipients:
            while rows := await self.bench.engine.claim(alert_lane_name(name), 10, ()):
                for row in rows:
                    notice = Notice.model_validate(row.payload)
                    self.post.append(notice)
                    sent = notice.sent(self.bench.clock(), dry_run=self.settings.alerts.dry_run)
                    await self.bench.settle(row, Done((sent,)))
        return self.post[before:]


@asynccontextmanager
async def open_desk(folder: Path, settings: Settings) -> AsyncIterator[Desk]:
    """A desk over the database in a folder."""
    assert settings.alerts is not None
    async with open_bench(folder, handlers(settings, settings.alerts)) as bench:
        yield Desk(bench, settings)
