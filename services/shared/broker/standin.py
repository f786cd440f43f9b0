"""A stand-in in memory for machines where no Kafka can run: librdkafka's mock cluster, in a process of its own.

It forgets everything at its end, keeps at most 5 MiB per partition, knows neither compaction nor the creation of topics
(it makes them itself, four partitions each), and takes one member per consumer group. Good for a look around, no more.
"""

from __future__ import annotations

import asyncio
import importlib.util
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from services.shared.broker.readiness import await_answer
from services.shared.broker.running import Broker, Unavailable

PROGRAM = "services.shared.broker.mock_cluster"
START_SECONDS = 15.0
WARNING = """
****************************************************************************
*  THIS IS NOT KAFKA but a stand-in in memory: it forgets all it holds,    *
*  takes one consumer per group, and proves nothing about a real broker.   *
*  Install Java and Maven, start Docker, or set KAFKA_BOOTSTRAP_SERVERS.   *
****************************************************************************
"""


@asynccontextmanager
async def stand_in(_data: Path | None) -> AsyncIterator[Broker]:
    """Raises `Unavailable` without the confluent-kafka wheel, or when the stand-in's process does not come up."""
    if importlib.util.find_spec("confluent_kafka") is None:
        raise Unavailable("confluent-kafka is not installed")
    print(WARNING, file=sys.stderr, flush=True)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", PROGRAM, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )
    try:
        address = await _address(process)
        await await_answer(address, START_SECONDS)
        yield Broker(address, "stand-in", "NOT Kafka: a stand-in in memory")
    finally:
        await _end(process)


async def _address(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None, "started with a pipe"
    line = (await process.stdout.readline()).decode().strip()
    if not line:
        raise Unavailable("the stand-in's process ended before it gave its address")
    return line


async def _end(process: asyncio.subprocess.Process) -> None:
    assert process.stdin is not None, "started with a pipe"
    process.stdin.close()
    await process.wait()
