"""Reports on the topics when a feed has not been read completely for too long, and when it is again (claim I9).

An outage makes no dead letter; these events inform subscribers, the alerts service among them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Literal

from contracts.alerts import FeedStateChanged
from contracts.envelope import Envelope
from services.engine.outbox.engine import Engine
from services.engine.outbox.handlers import Handlers, compose_rules
from services.engine.outbox.work import Work
from services.engine.runtime.blueprint import Task
from services.engine.state.database import restart_after_outages
from services.engine.state.records import Kind, State
from services.engine.telemetry.state_readings import read_completions
from services.settings.model import FreshnessSettings

INTERVAL = 15.0
"""Seconds between two checks."""
FEED = Kind("feed", FeedStateChanged)
FeedState = Literal["stale", "fresh"]


def with_feed_rules(handlers: Handlers) -> Handlers:
    """The rules of a feed service that also stores what it published about its feeds."""
    return replace(handlers, remember=compose_rules(handlers.remember, {FeedStateChanged: _store_state}))


def _store_state(envelope: Envelope[FeedStateChanged], state: State) -> None:
    state.put(FEED, envelope.data.feed, envelope.data)


def make_feed_watch_task(service: str, feeds: Iterable[str], settings: FreshnessSettings) -> Task:
    """The task of a service that watches its feeds."""
    limits = {feed: settings.limit(feed) for feed in feeds}
    return lambda engine: restart_after_outages(engine.database, FeedWatch(engine, service, limits).run)


class FeedWatch:
    """Compares the age of each feed with its limit (seconds). One that was never complete is as old as this watch."""

    def __init__(self, engine: Engine, service: str, limits: Mapping[str, float]) -> None:
        self._engine, self._service, self._limits = engine, service, limits
        self._started = engine.clock()
        self._checked: dict[str, FeedState] = {}

    async def run(self) -> None:
        """Check at intervals until cancelled."""
        while True:
            await self.check()
            await asyncio.sleep(INTERVAL)

    async def check(self) -> None:
        """Publish what has changed since the last check."""
        complete, now = await read_completions(self._engine.database), self._engine.clock()
        states = {feed: self._state(complete.get(feed), limit, now) for feed, limit in self._limits.items()}
        changed = [feed for feed, state in states.items() if self._checked.get(feed) != state]
        if changed:
            async with self._engine.work() as work:
                await self._publish(work, {feed: states[feed] for feed in changed}, complete)
            self._checked |= states

    def _state(self, complete: datetime | None, limit: float, now: datetime) -> FeedState:
        return "stale" if (now - (complete or self._started)).total_seconds() > limit else "fresh"

    async def _publish(self, work: Work, states: Mapping[str, FeedState], complete: Mapping[str, datetime]) -> None:
        known = await work.get_many(FEED, states)
        for feed, state in states.items():
            before = known[feed].freshness if feed in known else "fresh"
            if state != before:
                await work.announce([(self._event(feed, state, complete.get(feed), work.now), None)])

    def _event(self, feed: str, state: FeedState, complete: datetime | None, now: datetime) -> FeedStateChanged:
        return FeedStateChanged(feed=feed, service=self._service, freshness=state, complete_at=complete, at=now)
