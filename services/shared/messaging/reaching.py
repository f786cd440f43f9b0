"""Reaching Kafka within a bounded time, or waiting for it: either way a person is told the address and what to do."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from aiokafka.errors import KafkaError

from services.shared.delivery.backoff import unavailable_wait
from services.shared.settings.kafka import KafkaSettings

log = logging.getLogger(__name__)
ResultT = TypeVar("ResultT")
ANSWERS_IN = 15.0
"""Seconds in which a Kafka that is there lets a client in."""
FIRST_WAIT, LONGEST_WAIT = 0.5, 10.0


class NotYet(KafkaError):  # type: ignore[misc]
    """Kafka is not as we need it; it may be in a moment, or when a person has done what the message says."""

    def __str__(self) -> str:
        return str(self.args[0])


class KafkaUnreachable(NotYet):
    """Kafka is not there, or does not let us in; the message says where we looked and what to do."""


class TopicsMissing(NotYet):
    """Topics that are read or written do not exist; the message names them and the command that makes them."""


async def bounded(starting: Awaitable[None], settings: KafkaSettings) -> None:
    """Await the start of a client. Raises `KafkaUnreachable` when it fails, or takes longer than `ANSWERS_IN`."""
    try:
        async with asyncio.timeout(ANSWERS_IN):
            await starting
    except TimeoutError:
        raise KafkaUnreachable(unreachable(settings, f"no answer within {ANSWERS_IN:g} s")) from None
    except (KafkaError, OSError) as error:
        raise KafkaUnreachable(unreachable(settings, f"{type(error).__name__}")) from error


def unreachable(settings: KafkaSettings, why: str) -> str:
    """What a person is told."""
    keys = ["kafka.bootstrap-servers", "kafka.security-protocol"]
    keys += ["kafka.user-name", "kafka.password-file", "kafka.sasl-mechanism"] if settings.uses_sasl else []
    keys += ["kafka.ca-file"] if settings.uses_tls else []
    how = f"{settings.security_protocol}, as {settings.user_name}" if settings.uses_sasl else settings.security_protocol
    told = f"Kafka does not let us in at {settings.bootstrap_servers} ({how}): {why}"
    return f"{told}. Does it run there? If so, compare {', '.join(keys)}; the broker's log says why it refuses"


async def patiently(reach: Callable[[], Awaitable[ResultT]], waits: Callable[[str], None] = lambda _: None) -> ResultT:
    """Try until Kafka is there; each try in vain is one line. `waits` is told what is waited for, "" at the end."""
    begun, failures = time.monotonic(), 0
    while True:
        try:
            reached = await reach()
        except NotYet as error:
            failures += 1
            pause = unavailable_wait(failures, FIRST_WAIT, LONGEST_WAIT)
            waited = round(time.monotonic() - begun)
            log.warning("waiting for Kafka", extra={"why": str(error), "waited": waited, "in_seconds": round(pause, 1)})
            waits(str(error))
            await asyncio.sleep(pause)
        else:
            waits("")
            return reached
