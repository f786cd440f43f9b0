"""The command: `python -m webhook_bridge --url https://… --secret-file … --topic ledger.documents`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import httpx
from aiokafka import AIOKafkaConsumer

from .bridge import Bridge, Deliver
from .cloud_event import without_person
from .webhook import Webhook, secret

ATTEMPT_SECONDS = 15.0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="webhook_bridge", description="Post Davtari's events to a URL, signed.")
    made.add_argument("--kafka", default="127.0.0.1:9092", help="bootstrap servers")
    made.add_argument("--prefix", default="davtari.", help="prefix of the topics")
    made.add_argument("--group", default="davtari-webhook-bridge", help="consumer group; one per receiver")
    made.add_argument("--instance", help="a lasting name, so that a restart takes its partitions back at once")
    made.add_argument("--topic", action="append", required=True, help="without the prefix; may be repeated")
    made.add_argument("--type", action="append", default=[], help="davtari.SaleRecorded.v1; may be repeated")
    made.add_argument("--url", required=True)
    made.add_argument("--secret-file", type=Path, required=True, help="whsec_…, one a line: each signs")
    made.add_argument("--without-person", action="store_true", help="leave personal data out")
    made.add_argument("--longest-wait", type=float, default=60.0, help="seconds between two attempts at most")
    return made


async def run(asked: argparse.Namespace, secrets: Sequence[bytes]) -> None:
    """Deliver until cancelled."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=asked.kafka,
        group_id=asked.group,
        group_instance_id=asked.instance,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    async with httpx.AsyncClient(timeout=ATTEMPT_SECONDS) as client, consumer:
        webhook = Webhook(client, asked.url, secrets, time.time, longest_wait=asked.longest_wait)
        bridge = Bridge(consumer, _deliver(webhook, asked.without_person), asked.type)
        await bridge.run([asked.prefix + topic for topic in asked.topic])


def _deliver(webhook: Webhook, impersonal: bool) -> Deliver:
    return (lambda event: webhook.deliver(without_person(event))) if impersonal else webhook.deliver


async def until_signalled(asked: argparse.Namespace, secrets: Sequence[bytes]) -> None:
    """Run until SIGTERM or SIGINT; what is not committed then is delivered at the next start."""
    task = asyncio.ensure_future(run(asked, secrets))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()


def main() -> None:
    """The program."""
    asked = parser().parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    asyncio.run(until_signalled(asked, [secret(line) for line in asked.secret_file.read_text().split()]))


if __name__ == "__main__":
    main()
