"""A cluster is ready when it answers a question about itself; an open port says nothing."""

from __future__ import annotations

import asyncio

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_fixed

ASK_SECONDS = 5.0
PAUSE_SECONDS = 0.2


async def await_answer(bootstrap_servers: str, seconds: float) -> None:
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
