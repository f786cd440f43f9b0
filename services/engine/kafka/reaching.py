"""Reaching Kafka within a bounded time, or waiting for it: either way a person is told the address and what to do."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from aiokafka.errors import KafkaError

from services.engine.kafka.diagnosis import diagnose
from services.engine.outbox.backoff import unavailable_wait
from services.settings.kafka import KafkaSettings

log = logging.getLogger(__name__)
ResultT = TypeVar("ResultT")
ANSWERS_IN = 15.0
"""Seconds in which a Kafka that is there lets a client in."""
FIRST_WAIT, LONGEST_WAIT = 0.5, 10.0


class NotYet(KafkaError):  # type: ignore[misc]
    """Kafka is not as we need it; it may be in a moment, or when a person has done what `fix` says."""

    def __init__(self, told: str, fix: str = "") -> None:
        super().__init__(told)
        self.told, self.fix = told, fix

    def __str__(self) -> str:
        return f"{self.told}. {self.fix}" if self.fix else self.told


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
        raise await diagnosed(settings, f"no answer within {ANSWERS_IN:g} s") from None
    except (KafkaError, OSError) as error:
        raise await diagnosed(settings, type(error).__name__) from error


async def diagnosed(settings: KafkaSettings, why: str) -> KafkaUnreachable:
    """The error to raise after a client could not start; `why` is what the client said of it."""
    found = await diagnose(settings, why)
    return KafkaUnreachable(found.told, found.fix)


AWAY = (KafkaError, OSError, TimeoutError)
"""What a call to Kafka raises while Kafka is away, starts, or does not let us in: waiting helps, or a person does."""


async def patiently(reach: Callable[[], Awaitable[ResultT]], waits: Callable[[str], None] = lambda _: None) -> ResultT:
    """Call Kafka until it answers; each call in vain is one line. `waits` is told why it is waited, "" at the end.

    Every call to Kafka in a task that must not end goes through here, or is repeated by its own loop.
    """
    begun, failures = time.monotonic(), 0
    while True:
        try:
            reached = await reach()
        except AWAY as error:
            failures += 1
            pause, why = unavailable_wait(failures, FIRST_WAIT, LONGEST_WAIT), reason(error)
            waited = round(time.monotonic() - begun)
            log.warning("waiting for Kafka", extra={"why": why, "waited": waited, "in_seconds": round(pause, 1)})
            waits(why)
            await asyncio.sleep(pause)
        else:
            waits("")
            return reached


def reason(error: BaseException) -> str:
    """What a person is told of a call in vain."""
    return str(error) if isinstance(error, NotYet) else f"Kafka does not answer: {error!r}"
