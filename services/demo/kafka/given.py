"""The Kafka that the environment names. It is used as it is and never stopped."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from services.demo.kafka.readiness import await_answer
from services.demo.kafka.running import Broker, BrokerError, Unavailable

VARIABLE = "KAFKA_BOOTSTRAP_SERVERS"
ANSWER_SECONDS = 15.0


@asynccontextmanager
async def given(_data: Path | None) -> AsyncIterator[Broker]:
    """Raises `Unavailable` when none is named, and `BrokerError` when it is silent: no other may take its place."""
    servers = os.environ.get(VARIABLE, "").strip()
    if not servers:
        raise Unavailable(f"{VARIABLE} is not set")
    try:
        await await_answer(servers, ANSWER_SECONDS)
    except TimeoutError as error:
        raise BrokerError(
            f"{VARIABLE} names {servers}, which does not answer: start it, or unset {VARIABLE}"
        ) from error
    yield Broker(servers, "given", f"the Kafka that {VARIABLE} names")
