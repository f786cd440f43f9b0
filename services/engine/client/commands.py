"""Gives commands to the services: signs and publishes what a person asks or decides, and waits for the results.

Everything that lets a person act on Davtari (the `davtari` command, a console) goes through here. The caller names the
person, and must know who it is: the signed-in user, or the user of the operating system.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from contracts.closing import DayClosed
from contracts.envelope import Envelope, Undecodable, decode, headers, value, wrap
from contracts.model import Event
from contracts.operations import Command, CommandSettled
from contracts.privacy import PersonForgotten
from services.engine.clock import utc_now
from services.engine.kafka.connection import create_producer, create_reader
from services.engine.kafka.publisher import Seal, leave_unsealed
from services.engine.kafka.signature import Signer, read_signer
from services.engine.privacy.sealer import open_sealer
from services.settings.kafka import KafkaSettings
from services.settings.model import Settings

log = logging.getLogger(__name__)
PERSON_FIELD: Mapping[type[Event], str] = {DayClosed: "closed_by", PersonForgotten: "by"}
"""The field that names the person, where it is not `asked_by`."""
SignedEvent = Command | DayClosed | PersonForgotten
"""What a person does: it counts only with a signature."""
IssueSigned = Callable[[SignedEvent, str], Awaitable[None]]
"""Issues such an event in the name of a person."""


class CommandIssuer:
    """Signs and publishes what people do. `source`: the program that they use, as the events name it."""

    def __init__(
        self,
        settings: KafkaSettings,
        producer: AIOKafkaProducer,
        seal: Seal,
        signer: Signer,
        source: str,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._settings, self._producer, self._seal, self._signer = settings, producer, seal, signer
        self._source, self._clock = source, clock

    async def issue(self, command: SignedEvent, *, asked_by: str, version: int = 1) -> Envelope[Event]:
        """Publish what a person does, in their name; returns once Kafka has it.

        `version`: that of its subject, 1 for a command. Raises `TimeoutError` and `KafkaError`.
        """
        named = command.model_copy(update={PERSON_FIELD.get(type(command), "asked_by"): asked_by})
        envelope: Envelope[Event] = wrap(named, version=version, source=self._source, time=self._clock())
        await self.publish(envelope)
        return envelope

    async def publish(self, envelope: Envelope[Event]) -> None:
        """Publish a record that a person has corrected, or a command; returns once Kafka has it.

        Personal data is sealed. Raises `TimeoutError` and `KafkaError`.
        """
        topic, key = envelope.data.TOPIC, envelope.data.key.encode()
        async with asyncio.timeout(self._settings.send_timeout):
            (body,) = await self._seal([value(envelope)])
            signed = self._signer.sign(topic, key, headers(envelope), body)
            await self._producer.send_and_wait(self._settings.topic_prefix + topic, value=body, key=key, headers=signed)


@asynccontextmanager
async def open_issuer(settings: Settings, source: str, *, seal: bool = True) -> AsyncIterator[CommandIssuer]:
    """An issuer that is connected to Kafka. Raises `SecretMissing` without a usable `commands.key-file`."""
    signer, producer = read_signer(settings.commands), create_producer(settings.kafka, source)
    try:
        await producer.start()
        async with open_sealer(settings, producer) as sealer:
            chosen = sealer.values if seal else leave_unsealed
            yield CommandIssuer(settings.kafka, producer, chosen, signer, source)
    finally:
        await producer.stop()


async def issue(
    settings: Settings, *commands: SignedEvent, asked_by: str, source: str = "davtari-cli", version: int = 1
) -> None:
    """Publish what a person does, one after the other; returns once Kafka has all of it. See `CommandIssuer.issue`."""
    async with open_issuer(settings, source) as issuer:
        for command in commands:
            await issuer.issue(command, asked_by=asked_by, version=version)


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
