"""Says on the topics when the machine of a service is in trouble, and when it is well again: its disk, its clock.

It goes past the outbox, since the state database may be what cannot be written to.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace

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
EVERY = 5.0
"""Seconds between two looks."""
CONDITION = Kind("condition", ServiceStateChanged)
"""What was said last, by `service:reason`."""
Looks = Mapping[Reason, Callable[[], str]]
"""Why something is in trouble, by reason code; empty when it is well."""


def with_condition_rules(handlers: Handlers) -> Handlers:
    """The rules of a service that also knows what it said of its own machine."""
    return replace(handlers, remember=compose_rules(handlers.remember, {ServiceStateChanged: _remember}))


def _remember(envelope: Envelope[ServiceStateChanged], state: State) -> None:
    state.put(CONDITION, _key(envelope.data), envelope.data)


def _key(event: ServiceStateChanged) -> str:
    return f"{event.service}:{event.reason}"


class Conditions:
    """Watches one service until cancelled."""

    def __init__(
        self, service: str, looks: Looks, database: Database, sender: RenewableProducer, prefix: str, clock: Clock
    ):
        self._service, self._looks, self._database, self._clock = service, looks, database, clock
        self._sender, self._topic = sender, prefix + ServiceStateChanged.TOPIC
        self._said: dict[str, str] = {}

    async def run(self) -> None:
        """Look again and again; what cannot be said now is said later."""
        self._said = await self._before()
        while True:
            try:
                await self.look()
            except UNAVAILABLE as error:
                log.info("the state of the service cannot be told at present", extra={"why": repr(error)})
            await asyncio.sleep(EVERY)

    async def look(self) -> None:
        """Say what has changed since it was last said. Raises `KafkaError`."""
        for reason, look in self._looks.items():
            why = look()
            state = "troubled" if why else "well"
            if self._said.get(reason, "well") != state:
                await self._say(reason, why)
                self._said[reason] = state

    async def _before(self) -> dict[str, str]:
        """What was said before this start, as far as it can be read here."""
        try:
            kept = [body async for _, body in read_kind(self._database, CONDITION.name)]
        except DBAPIError as error:
            log.info("what was said before is not known", extra={"why": repr(error)})
            return {}
        said = [ServiceStateChanged.model_validate_json(body) for body in kept]
        return {one.reason: one.condition for one in said if one.service == self._service}

    async def _say(self, reason: Reason, why: str) -> None:
        now = self._clock()
        state = "troubled" if why else "well"
        event = ServiceStateChanged.model_validate(
            {"service": self._service, "reason": reason, "condition": state, "why": why, "at": now}
        )
        told = wrap(event, version=1, source=self._service, time=now)
        await self._sender.send_and_wait(self._topic, value=value(told), key=event.key.encode(), headers=headers(told))
        if why:
            log.error("the machine of the service is in trouble", extra={"reason": reason, "why": why})
        else:
            log.warning("the machine of the service is well again", extra={"reason": reason})
