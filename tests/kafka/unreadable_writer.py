"""A program that publishes records whose header name is not UTF-8, which no Kafka client for Python does by itself.

`python -m tests.kafka.unreadable_writer SERVERS TOPIC BATCH…`: each batch is a word such as `good-bad-good`.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder


class NotUtf8(str):
    """A header name whose bytes are not UTF-8."""

    __slots__ = ()

    def encode(self, encoding: str = "", errors: str = "") -> bytes:
        return b"\xff\xfe"


NAMES = {"good": "x", "bad": NotUtf8("x")}


async def publish_batches(servers: str, topic: str, batches: list[str]) -> None:
    """Publish batches to the partition 0 of a topic."""
    async with AIOKafkaProducer(bootstrap_servers=servers) as producer:
        for words in batches:
            batch: BatchBuilder = producer.create_batch()
            for number, word in enumerate(words.split("-")):
                headers = [(NAMES[word], b"1")]
                assert batch.append(key=None, value=str(number).encode(), timestamp=None, headers=headers)
            batch.close()
            await (await producer.send_batch(batch, topic, partition=0))


async def run_writer(servers: str, topic: str, *batches: str) -> None:
    """Run this program: only aiokafka without its extensions takes such a name."""
    command = [sys.executable, "-m", "tests.kafka.unreadable_writer", servers, topic, *batches]
    environment = os.environ | {"AIOKAFKA_NO_EXTENSIONS": "1"}
    await asyncio.to_thread(subprocess.run, command, env=environment, check=True, timeout=30)


if __name__ == "__main__":
    asyncio.run(publish_batches(sys.argv[1], sys.argv[2], sys.argv[3:]))
