"""The webhook bridge at work in a test, in this process or as a program."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from aiokafka import AIOKafkaConsumer

from ops.examples.webhook_bridge.bridge import Bridge
from ops.examples.webhook_bridge.webhook import Webhook
from tests.kafka.topics import Topics
from tests.subscribers.receiver import KEY, SECRET

EXAMPLES = Path(__file__).parents[2] / "ops" / "examples"


@dataclass(frozen=True)
class Running:
    """A bridge at work."""

    task: asyncio.Task[None]
    consumer: AIOKafkaConsumer

    async def has_partitions(self) -> bool:
        """Whether the group has given it something to do."""
        return bool(self.consumer.assignment())


@asynccontextmanager
async def bridging(
    topics: Topics, url: str, *names: str, types: tuple[str, ...] = (), **options: Any
) -> AsyncIterator[Running]:
    """A bridge from topics to a URL, impatient, three records at a time, in the group `bridge`."""
    settings = topics.settings
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap_servers,
        group_id=f"{settings.topic_prefix}bridge",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        **options,
    )
    async with httpx.AsyncClient(timeout=5.0) as client, consumer:
        webhook = Webhook(client, url, [KEY], time.time, first_wait=0.05, longest_wait=0.2)
        bridge = Bridge(consumer, webhook.deliver, types, at_once=3)
        task = asyncio.create_task(bridge.run([settings.topic_prefix + name for name in names]))
        try:
            yield Running(task, consumer)
        finally:
            task.cancel()
            await asyncio.wait([task])


@asynccontextmanager
async def program(topics: Topics, url: str, folder: Path, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The bridge as a program of its own; what still runs at the end is killed."""
    (folder / "secret").write_text(SECRET + "\n")
    kafka = topics.settings
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "webhook_bridge", "--url", url, "--secret-file", str(folder / "secret")),
        *("--kafka", kafka.bootstrap_servers, "--prefix", kafka.topic_prefix),
        *("--group", f"{kafka.topic_prefix}bridge", "--instance", "one", "--longest-wait", "0.3", *arguments),
        cwd=EXAMPLES,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
