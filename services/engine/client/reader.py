"""Reads topics from the start to their present end, outside any group: for the command line and for checks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Any

from aiokafka import AIOKafkaConsumer

from contracts.envelope import Envelope, Undecodable
from contracts.model import Event
from contracts.operations import COMMANDS
from contracts.registry import EARLIER_TOPIC
from services.engine.client.unreadable import note_unreadable
from services.engine.kafka.connection import create_reader
from services.engine.kafka.record import Record, from_aiokafka
from services.engine.kafka.signature import read_verifier
from services.engine.outbox.command_results import RESULTS, KnownCommands
from services.engine.privacy.opener import open_opener
from services.settings.kafka import KafkaSettings
from services.settings.model import Settings

EVERYTHING: Mapping[str, datetime] = {}
RESULT_TOPICS = frozenset(event.TOPIC for event in RESULTS)
"""Topics with events that count only if a person's command is known."""


async def read_events(
    settings: Settings,
    topics: Iterable[str],
    *,
    as_sealed: bool = False,
    since: Mapping[str, datetime] = EVERYTHING,
) -> AsyncIterator[Envelope[Event]]:
    """All valid events that are in the topics now, each partition in order.

    Their personal data is opened, unless `as_sealed`. `since`: topics that are read only from a moment on. A record
    that is not a valid event, or that lacks a person's signature or command, is skipped: `collect_unreadable` names it,
    and a service has a dead letter about it.
    """
    wanted = tuple(topics)
    known = await _read_commands(settings) if RESULT_TOPICS & set(wanted) else KnownCommands()
    async with open_opener(settings) as opener:
        async for record in _read(settings, wanted, since):
            try:
                (opened,) = [record] if as_sealed else await opener.records([record])
                envelope = opened.read()
            except Undecodable as error:
                note_unreadable(f"{record.topic}/{record.partition}/{record.offset}", str(error))
                continue
            if record.earlier or known.allow(envelope.data):
                yield envelope


async def _read_commands(settings: Settings) -> KnownCommands:
    """The commands that people have signed, and those from before commands were signed."""
    known, topics = KnownCommands(), {COMMANDS, *({EARLIER_TOPIC} & settings.commands.unsigned_before.keys())}
    async for record in _read(settings, topics, EVERYTHING):
        if record.topic.endswith(COMMANDS) or record.earlier:
            with suppress(Undecodable):  # who reads the topic names it
                known.add(record.read().data)
    return known


async def _read(settings: Settings, topics: Iterable[str], since: Mapping[str, datetime]) -> AsyncIterator[Record]:
    """All records of topics; those that must not count say why."""
    prefix = settings.kafka.topic_prefix
    verifier = read_verifier(settings.commands, prefix)
    async with _reading(settings.kafka, topics) as consumer:
        await _skip(consumer, {prefix + topic: moment for topic, moment in since.items()})
        async for raw in _records(consumer):
            yield verifier.check(from_aiokafka(raw))


@asynccontextmanager
async def _reading(settings: KafkaSettings, topics: Iterable[str]) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = create_reader(settings, topics)
    try:
        await consumer.start()
        yield consumer
    finally:
        await consumer.stop()


async def _skip(consumer: AIOKafkaConsumer, since: Mapping[str, datetime]) -> None:
    """Begin later in some topics."""
    times = {tp: int(since[tp.topic].timestamp() * 1000) for tp in consumer.assignment() if tp.topic in since}
    if times:
        ends = await consumer.end_offsets(times)
        for tp, found in (await consumer.offsets_for_times(times)).items():
            consumer.seek(tp, found.offset if found else ends[tp])


async def _records(consumer: AIOKafkaConsumer) -> AsyncIterator[Any]:
    ends = await consumer.end_offsets(consumer.assignment())
    while left := [tp for tp, end in ends.items() if await consumer.position(tp) < end]:
        for records in (await consumer.getmany(*left, timeout_ms=500)).values():
            for record in records:
                yield record
