"""A running broker, its errors, and the check that it is ready."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_fixed

BrokerKind = Literal["given", "container", "archives"]


@dataclass(frozen=True)
class Broker:
    """A broker that answers now. `bootstrap_servers` is `host:port`, several joined by commas.

    `users`: the folder with a password for each user of a broker that asks for one and checks rights.
    """

    bootstrap_servers: str
    kind: BrokerKind
    description: str
    users: Path | None = field(default=None, kw_only=True)


class BrokerError(RuntimeError):
    """No broker is available, or the requested one does not respond. The message says what to do."""


class BrokerUnavailable(BrokerError):
    """This kind of broker is not available on this machine. The message is the reason."""


BrokerSource = Callable[[Path | None], AbstractAsyncContextManager[Broker]]
"""Opens one kind of broker for as long as the context lasts; takes the folder for its data; raises `Unavailable`."""


ASK_SECONDS = 5.0
PAUSE_SECONDS = 0.2


async def wait_until_ready(bootstrap_servers: str, seconds: float) -> None:
    """Return as soon as the cluster describes itself. Raises `TimeoutError` when it has not done so in `seconds`."""
    retrying = AsyncRetrying(
        retry=retry_if_exception_type((KafkaError, TimeoutError)),
        stop=stop_after_delay(seconds),
        wait=wait_fixed(PAUSE_SECONDS),
        reraise=True,
    )
    try:
        await retrying(_describe, bootstrap_servers)
    except KafkaError as error:
        raise TimeoutError(f"no answer from Kafka at {bootstrap_servers} in {seconds:g} s: {error}") from error


async def _describe(bootstrap_servers: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers, request_timeout_ms=int(ASK_SECONDS * 1000))
    try:
        async with asyncio.timeout(ASK_SECONDS):
            await admin.start()
            await admin.describe_cluster()
    finally:
        await admin.close()


# The Kafka that the environment names. It is used as it is and never stopped.

SERVERS_VARIABLE = "KAFKA_BOOTSTRAP_SERVERS"
ANSWER_SECONDS = 15.0


@asynccontextmanager
async def use_named_broker(_data: Path | None) -> AsyncIterator[Broker]:
    """Raises `Unavailable` when none is named, and `BrokerError` when it is silent: no other may take its place."""
    servers = os.environ.get(SERVERS_VARIABLE, "").strip()
    if not servers:
        raise BrokerUnavailable(f"{SERVERS_VARIABLE} is not set")
    try:
        await wait_until_ready(servers, ANSWER_SECONDS)
    except TimeoutError as error:
        raise BrokerError(
            f"{SERVERS_VARIABLE} names {servers}, which does not answer: start it, or unset {SERVERS_VARIABLE}"
        ) from error
    yield Broker(servers, "given", f"the Kafka that {SERVERS_VARIABLE} names")
