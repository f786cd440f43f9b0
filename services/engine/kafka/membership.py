"""One instance of a service at a time, also across state folders: who else is a member of its consumer group.

An instance checks before it joins, so that it does not disturb one that is running. If two have joined anyway (at the
same moment, or after one was frozen or cut off), each sees the other, and the one that started later leaves.
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

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import for_code

from services.engine.kafka.availability import UNAVAILABLE
from services.engine.kafka.connection import SESSION_SECONDS, open_admin
from services.engine.state.lock import AlreadyRunning
from services.settings.kafka import KafkaSettings

log = logging.getLogger(__name__)
CHECK_INTERVAL = 3.0
"""Seconds between two checks."""
REMOVED_AFTER = SESSION_SECONDS + 3.0
"""Seconds after which Kafka has removed a member that has died."""
_CLIENT_ID = re.compile(r"davtari-[a-z-]+\.(?P<instance>[0-9a-f]+)\.(?P<started>\d+)\.(?P<where>.+)")


class Displaced(AlreadyRunning):
    """Another instance worked while this one was frozen or cut off from Kafka, or both started at once."""


@dataclass(frozen=True, order=True, slots=True)
class Member:
    """An instance in a consumer group; the one that started first is the smallest."""

    started: int
    instance: str
    where: str

    @classmethod
    def here(cls, instance: str, started: float) -> Member:
        """This process; `started` is a Unix timestamp in seconds."""
        return cls(int(started * 1000), instance, f"process {os.getpid()} on {socket.gethostname()}")

    def client_id(self, service: str) -> str:
        """Its client id in Kafka."""
        return f"davtari-{service}.{self.instance}.{self.started}.{self.where.replace(' ', '_')}"


class Membership:
    """Watches the group of a service. `me` is the member that this instance is, or is about to become."""

    def __init__(self, settings: KafkaSettings, service: str, me: Member) -> None:
        self._settings, self._service, self._me = settings, service, me
        self._confirmed = time.monotonic()
        self.check_requested = asyncio.Event()

    async def wait_until_alone(self) -> None:
        """Return when the group has no other member. Raises `AlreadyRunning` and `KafkaError`.

        Kafka lists a member that has died for a while, so this waits before it raises.
        """
        deadline = time.monotonic() + REMOVED_AFTER
        while others := await self.read_others():
            if time.monotonic() > deadline:
                raise AlreadyRunning(self._message(others))
            why = self._message(others)
            log.warning("waiting for another instance to end", extra={"why": why, "in_seconds": REMOVED_AFTER})
            await asyncio.sleep(1.0)
        self._confirmed = time.monotonic()

    async def watch(self) -> None:
        """Check at intervals, and at once when `check_requested` is set. Raises `Displaced`."""
        while True:
            try:
                await self._watch_on_one_connection()
            except UNAVAILABLE as error:
                log.debug("the group is read on a new connection", extra={"why": repr(error)})
                await self.check()  # the old one may have been lost while this process was frozen
                await self._wait()

    async def _watch_on_one_connection(self) -> None:
        """Check until Kafka is unavailable. A connection for each check would be the main work of an idle service."""
        async with open_admin(self._settings) as client:
            while True:
                await self._wait()
                self._confirm(await self._read_others(client))

    async def _wait(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(CHECK_INTERVAL):
                await self.check_requested.wait()
        self.check_requested.clear()

    async def check(self) -> None:
        """Check once. Raises `Displaced` if an instance that started earlier is in the group.

        While Kafka is unavailable nothing can be checked.
        """
        try:
            others = await self.read_others()
        except UNAVAILABLE as error:
            log.debug("the group cannot be read", extra={"why": repr(error)})
            others = []
        self._confirm(others)

    def _confirm(self, others: list[Member]) -> None:
        if others and min(others) < self._me:
            raise Displaced(self._message(others))
        if not others:
            self._confirmed = time.monotonic()

    async def wait_until_confirmed(self) -> None:
        """Return when no other instance can be working: after a silence the group must be checked first."""
        while time.monotonic() - self._confirmed > SESSION_SECONDS:
            self.check_requested.set()
            await asyncio.sleep(0.2)

    async def read_others(self) -> list[Member]:
        """The other instances in the group. Raises `KafkaError`."""
        async with open_admin(self._settings) as client:
            return await self._read_others(client)

    async def _read_others(self, client: AIOKafkaAdminClient) -> list[Member]:
        (answer,) = await client.describe_consumer_groups([self._settings.group(self._service)])
        (group,) = answer.to_object()["groups"]
        if group["error_code"]:
            raise for_code(group["error_code"])(f"the group of {self._service} cannot be described")
        found = [_parse_member(one["client_id"], one["client_host"]) for one in group["members"]]
        return [one for one in found if one.instance != self._me.instance]

    def _message(self, others: list[Member]) -> str:
        where = "; ".join(one.where for one in others)
        return (
            f"{self._service} is already running elsewhere, with another state folder ({where}), so it does not start "
            "here. To run it here, stop the other one first. Another installation needs its own kafka.topic-prefix"
        )


def _parse_member(client_id: str, host: str) -> Member:
    """A client that is not ours counts as the first member: no other program may join the group of a service."""
    found = _CLIENT_ID.fullmatch(client_id)
    if found is None:
        return Member(0, client_id, f"{client_id} at {host.lstrip('/')}")
    where = f"{found['where'].replace('_', ' ')}, address {host.lstrip('/')}"
    return Member(int(found["started"]), found["instance"], where)
