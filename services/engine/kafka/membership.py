"""One instance of a service at a time, also from two state folders: who else is a member of its consumer group.

An instance looks before it joins, so that one which is at work is not disturbed. Where two have joined all the same (at
one moment, or after one was frozen or cut off) both see each other, and the one that was started later leaves.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import socket
import time
from contextlib import suppress
from dataclasses import dataclass

from aiokafka.errors import for_code

from services.engine.kafka.connection import SESSION_SECONDS, admin
from services.engine.kafka.reaching import AWAY
from services.engine.state.lock import AlreadyRunning
from services.settings.kafka import KafkaSettings

log = logging.getLogger(__name__)
EVERY = 3.0
"""Seconds between two looks."""
DEAD_AFTER = SESSION_SECONDS + 3.0
"""Seconds after which Kafka has dropped a member that has died."""
_CLIENT = re.compile(r"davtari-[a-z-]+\.(?P<instance>[0-9a-f]+)\.(?P<started>\d+)\.(?P<where>.+)")


class Displaced(AlreadyRunning):
    """Another instance was at work while this one was frozen or cut off from Kafka, or both were started at once."""


@dataclass(frozen=True, order=True, slots=True)
class Member:
    """An instance in a consumer group; the one that was started first comes first."""

    started: int
    instance: str
    where: str

    @classmethod
    def here(cls, instance: str, started: float) -> Member:
        """This process; `started` is a timestamp."""
        return cls(int(started * 1000), instance, f"process {os.getpid()} on {socket.gethostname()}")

    def client_id(self, service: str) -> str:
        """How it is known to Kafka."""
        return f"davtari-{service}.{self.instance}.{self.started}.{self.where.replace(' ', '_')}"


class Membership:
    """Watches the group of a service. `me` is the member that this instance is, or is about to be."""

    def __init__(self, settings: KafkaSettings, service: str, me: Member) -> None:
        self._settings, self._service, self._me = settings, service, me
        self._confirmed = time.monotonic()
        self.doubt = asyncio.Event()

    async def wait_until_alone(self) -> None:
        """Return when nobody else is in the group. Raises `AlreadyRunning`, and `KafkaError`.

        One that has died is still shown for a while.
        """
        until = time.monotonic() + DEAD_AFTER
        while others := await self.others():
            if time.monotonic() > until:
                raise AlreadyRunning(self._told(others))
            why = self._told(others)
            log.warning("waiting for another instance to end", extra={"why": why, "in_seconds": DEAD_AFTER})
            await asyncio.sleep(1.0)
        self._confirmed = time.monotonic()

    async def watch(self) -> None:
        """Look again and again. Raises `Displaced` when an instance is there that was started earlier."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.doubt.wait(), EVERY)
            self.doubt.clear()
            await self.look()

    async def look(self) -> None:
        """Look once. Raises `Displaced`. While Kafka is away there is nothing to see."""
        try:
            others = await self.others()
        except AWAY as error:
            log.debug("the group cannot be looked at", extra={"why": repr(error)})
            others = []
        if others and min(others) < self._me:
            raise Displaced(self._told(others))
        if not others:
            self._confirmed = time.monotonic()

    async def sure(self) -> None:
        """Return when nobody else can be at work: after a silence this instance must look first."""
        while time.monotonic() - self._confirmed > SESSION_SECONDS:
            self.doubt.set()
            await asyncio.sleep(0.2)

    async def others(self) -> list[Member]:
        """The other instances in the group. Raises `KafkaError`."""
        async with admin(self._settings) as asked:
            (answer,) = await asked.describe_consumer_groups([self._settings.group(self._service)])
        (group,) = answer.to_object()["groups"]
        if group["error_code"]:
            raise for_code(group["error_code"])(f"the group of {self._service} cannot be described")
        found = [_member(one["client_id"], one["client_host"]) for one in group["members"]]
        return [one for one in found if one.instance != self._me.instance]

    def _told(self, others: list[Member]) -> str:
        where = "; ".join(one.where for one in others)
        return (
            f"{self._service} is already running elsewhere, on another state folder ({where}); it does not run here. "
            "To run it from here, stop that one first. Another installation needs a kafka.topic-prefix of its own"
        )


def _member(client: str, host: str) -> Member:
    """A member that is none of ours counts as the first one: nobody else has business in the group of a service."""
    found = _CLIENT.fullmatch(client)
    if found is None:
        return Member(0, client, f"{client} at {host.lstrip('/')}")
    where = f"{found['where'].replace('_', ' ')}, address {host.lstrip('/')}"
    return Member(int(found["started"]), found["instance"], where)
