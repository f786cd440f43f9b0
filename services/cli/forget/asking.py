"""Giving up a person's keys, and having every service forget the person: one command for each reference."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from aiokafka import AIOKafkaConsumer

from contracts.operations import CommandSettled
from contracts.privacy import ForgetRequested
from services.cli.forget.dossier import Dossier, forgotten
from services.cli.requests import command_header
from services.engine.kafka.commands import answers, following, send
from services.settings.model import Settings


@dataclass(frozen=True, slots=True)
class Answers:
    """What the services said, and who has not answered for every reference in time."""

    said: tuple[CommandSettled, ...]
    silent: tuple[str, ...]

    def copies(self, service: str) -> int:
        """How many copies a service has forgotten, or would."""
        return sum(each.figures.get("copies", 0) for each in self.said if each.service == service)


def commands(found: Dossier, shop: str | None, why: str, *, dry_run: bool) -> list[ForgetRequested]:
    """What the services are asked."""
    return [
        ForgetRequested(person_ref=ref, shop=shop, why=why, dry_run=dry_run, **command_header())
        for ref in sorted(found.refs)
    ]


async def give_up_keys(settings: Settings, found: Dossier, why: str) -> None:
    """Have every key of the person replaced by what says that it is given up. Comes before the services are asked:

    what they say of the person from then on is sealed with a new key, which must not be replaced.
    """
    now = datetime.now(UTC)
    for event, version in forgotten(found.keys, command_header()["asked_by"], why, now):
        await send(settings.kafka, event, now, version)


async def ask(
    settings: Settings, asked: Sequence[ForgetRequested], services: Collection[str], patience: float
) -> Answers:
    """Send the commands and wait until each of these services has answered each, or `patience` seconds are over."""
    said: dict[tuple[str, str], CommandSettled] = {}
    wanted = {(command.command_id, service) for command in asked for service in services}
    async with answers(settings.kafka, "operations") as consumer:
        for command in asked:
            await send(settings.kafka, command, datetime.now(UTC))
        try:
            async with asyncio.timeout(patience):
                await _heard(consumer, said, wanted)
        except TimeoutError:
            pass
    silent = tuple(service for service in services if any((c.command_id, service) not in said for c in asked))
    return Answers(tuple(said.values()), silent)


async def _heard(
    consumer: AIOKafkaConsumer, said: dict[tuple[str, str], CommandSettled], wanted: set[tuple[str, str]]
) -> None:
    async for envelope in following(consumer):
        event = envelope.data
        if isinstance(event, CommandSettled) and (event.command_id, event.service) in wanted:
            said[event.command_id, event.service] = event
        if said.keys() >= wanted:
            return
