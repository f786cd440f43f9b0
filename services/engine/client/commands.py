"""Sends commands to the services, and waits for their results."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import datetime

from aiokafka import AIOKafkaConsumer

from contracts.envelope import Envelope, Undecodable, decode, headers, value, wrap
from contracts.model import Event
from contracts.operations import CommandSettled
from services.engine.kafka.connection import create_producer, create_reader
from services.engine.privacy.sealer import open_sealer
from services.settings.kafka import KafkaSettings

log = logging.getLogger(__name__)


async def send_command(settings: KafkaSettings, command: Event, now: datetime, version: int = 1) -> None:
    """Publish one command; returns when Kafka has it. `version`: that of its subject, 1 for a command's own id."""
    await send_commands(settings, [command], now, version)


async def send_commands(settings: KafkaSettings, commands: Iterable[Event], now: datetime, version: int = 1) -> None:
    """Publish commands, one after the other; returns when Kafka has them. Personal data in them is sealed."""
    sender = create_producer(settings, "cli")
    try:
        await sender.start()
        async with open_sealer(settings, sender) as sealer:
            for command in commands:
                envelope = wrap(command, version=version, source="davtari-cli", time=now)
                (body,) = await sealer.values([value(envelope)])
                topic, key = settings.topic_prefix + command.TOPIC, command.key.encode()
                await sender.send_and_wait(topic, value=body, key=key, headers=headers(envelope))
    finally:
        await sender.stop()


@asynccontextmanager
async def open_answers(settings: KafkaSettings, *topics: str) -> AsyncIterator[AIOKafkaConsumer]:
    """A reader at the present end of topics: open it before the command is sent."""
    consumer = create_reader(settings, topics)
    try:
        await consumer.start()
        await consumer.seek_to_end()
        for partition in consumer.assignment():
            await consumer.position(partition)
        yield consumer
    finally:
        await consumer.stop()


async def decoded_events(consumer: AIOKafkaConsumer) -> AsyncIterator[Envelope[Event]]:
    """Events as they arrive; personal data stays sealed, since answers name nobody.

    A record that cannot be decoded is skipped: the services write a dead letter about it.
    """
    async for raw in consumer:
        try:
            yield decode(raw.headers, raw.value)
        except Undecodable as error:
            log.debug("left to the services' dead letters", extra={"offset": raw.offset, "reason": error.code})


async def wait_for_settlement(consumer: AIOKafkaConsumer, command_id: str) -> CommandSettled:
    """The first answer to a command."""
    async for envelope in decoded_events(consumer):
        if isinstance(envelope.data, CommandSettled) and envelope.data.command_id == command_id:
            return envelope.data
    raise RuntimeError("the reader of the operations topic ended")
