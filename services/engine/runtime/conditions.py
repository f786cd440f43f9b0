"""Reports on the topics when the machine of a service has a problem, its disk or its clock, and when that is over.

The events bypass the outbox, because the state database may be what cannot be written to.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy.exc import DBAPIError

from contracts.alerts import ServiceStateChanged
from contracts.envelope import Envelope, headers, value, wrap
from contracts.reasons import Reason
from services.engine.clock import Clock
from services.engine.kafka.availability import UNAVAILABLE
from services.engine.kafka.publisher import RenewableProducer
from services.engine.outbox.handlers import Handlers, compose_rules
from services.engine.state.database import Database
from services.engine.state.records import Kind, State
from services.engine.state.store import read_kind

log = logging.getLogger(__name__)
INTERVAL = 5.0
"""Seconds between two checks."""
CALM = timedelta(seconds=60)
"""How long a problem must be gone until that is published: a disk at its limit changes every few seconds."""
CONDITION = Kind("condition", ServiceStateChanged)
"""The last published state, by `service:reason`."""
Checks = Mapping[Reason, Callable[[], str]]
"""By reason code: a function that describes the problem; empty when there is none."""


def with_condition_rules(handlers: Handlers) -> Handlers:
    """The rules of a service that also stores what it published about its own machine."""
    return replace(handlers, remember=compose_rules(handlers.remember, {ServiceStateChanged: _store_condition}))


def _store_condition(envelope: Envelope[ServiceStateChanged], state: State) -> None:
    event = envelope.data
    state.put(CONDITION, f"{event.service}:{event.reason}", event)


class ConditionReporter:
    """Checks the machine of one service until cancelled, and publishes changes."""

    def __init__(
        self, service: str, checks: Checks, database: Database, sender: RenewableProducer, prefix: str, clock: Clock
    ):
        self._service, self._checks, self._database, self._clock = service, checks, database, clock
        self._sender, self._topic = sender, prefix + ServiceStateChanged.TOPIC
        self._published: dict[str, str] = {}
        self._seen: dict[str, datetime] = {}

    async def run(self) -> None:
        """Check at intervals; what cannot be published now is published later."""
        self._published = await self._read_published()
        while True:
            try:
                await self.check()
            except UNAVAILABLE as error:
                log.info("the state of the service cannot be published now", extra={"why": repr(error)})
            await asyncio.sleep(INTERVAL)

    async def check(self) -> None:
        """Publish what has changed since the last event. Raises `KafkaError`."""
        for reason, check in self._checks.items():
            why = check()
            if why:
                self._seen[reason] = self._clock()
            elif self._was_seen_lately(reason):
                continue
            condition = "troubled" if why else "well"
            if self._published.get(reason, "well") != condition:
                await self._publish(reason, condition, why)
                self._published[reason] = condition

    def _was_seen_lately(self, reason: Reason) -> bool:
        return reason in self._seen and self._clock() - self._seen[reason] < CALM

    async def _read_published(self) -> dict[str, str]:
        """The last published conditions before this start; empty when the database cannot be read."""
        try:
            stored = [body async for _, body in read_kind(self._database, CONDITION.name)]
        except DBAPIError as error:
            log.info("the conditions published before this start are not known", extra={"why": repr(error)})
            return {}
        events = [ServiceStateChanged.model_validate_json(body) for body in stored]
        return {event.reason: event.condition for event in events if event.service == self._service}

    async def _publish(self, reason: Reason, condition: str, why: str) -> None:
        now = self._clock()
        event = ServiceStateChanged.model_validate(
            {"service": self._service, "reason": reason, "condition": condition, "why": why, "at": now}
        )
        sent = wrap(event, version=1, source=self._service, time=now)
        await self._sender.send_and_wait(self._topic, value=value(sent), key=event.key.encode(), headers=headers(sent))
        if why:
            log.error("the machine of the service has a problem", extra={"reason": reason, "why": why})
        else:
            log.warning("the machine of the service is well again", extra={"reason": reason})
