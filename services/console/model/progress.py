"""How far the console has read, and up to which time what it shows is true."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from aiokafka.errors import KafkaError

from contracts.envelope import Envelope
from contracts.model import Event, Instant, Part
from contracts.registry import EVENTS
from services.engine.kafka.connection import create_reader
from services.engine.outbox.engine import Engine
from services.engine.outbox.handlers import Remember
from services.engine.state.records import Kind, State
from services.engine.state.store import Partition
from services.settings.kafka import KafkaSettings

log = logging.getLogger(__name__)
LOOK_AGAIN = 2.0
"""Seconds between two looks at the ends of the log."""
RETRY = 10.0
"""Seconds until Kafka is asked again after it did not answer."""


class ReadUpTo(Part):
    """The time of the last event that was read of a topic."""

    at: Instant


READ_UP_TO = Kind("read-up-to", ReadUpTo)
"""By topic."""


def _note_time(envelope: Envelope[Any], state: State) -> None:
    state.put(READ_UP_TO, envelope.data.TOPIC, ReadUpTo(at=envelope.time))


PROGRESS_RULES: Mapping[type[Event], Remember] = dict.fromkeys(EVENTS, _note_time)


class LogEnds:
    """Watches where the topics end now, so that readers see how much of the log is not read yet."""

    def __init__(self, settings: KafkaSettings, topics: tuple[str, ...]) -> None:
        self._settings, self._topics = settings, topics
        self.ends: Mapping[Partition, int] = {}
        """The offset after the last record of each partition; empty until Kafka has answered."""
        self.known = asyncio.Event()
        """Set once Kafka has answered."""

    async def watch(self, _: Engine) -> None:
        """Look again and again, until cancelled."""
        while True:
            try:
                await self._watch()
            except KafkaError as error:
                log.warning("the ends of the topics are unknown", extra={"why": repr(error), "in_seconds": RETRY})
                self.ends = {}
                await asyncio.sleep(RETRY)

    async def _watch(self) -> None:
        reader = create_reader(self._settings, self._topics)
        try:
            await reader.start()
            partitions = reader.assignment()
            reader.pause(*partitions)
            while True:
                found = await reader.end_offsets(partitions)
                self.ends = {(tp.topic, tp.partition): end for tp, end in found.items()}
                self.known.set()
                await asyncio.sleep(LOOK_AGAIN)
        finally:
            await reader.stop()
