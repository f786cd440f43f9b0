"""A receiver in a process of its own, to be killed: `python receiver_process.py <state directory> <port> <secret>`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from random import Random

from services.engine.state.database import open_database
from services.settings.model import ReceiverSettings
from services.store_feed.app import serve_receiver
from services.store_feed.inbox import Inbox
from services.store_feed.records import NAME
from services.store_feed.webhook import WebhookReceiver
from services.store_feed.webhook_health import SignatureMonitor
from tests.support.secret import use_secret_of_tests


async def main(directory: str, port: str, secret: str) -> None:
    """Take webhooks until the end."""
    inbox = Inbox(await open_database(Path(directory), NAME))
    receiver = WebhookReceiver({"main": [secret.encode()]}, inbox.accept, SignatureMonitor().record, Random())
    await serve_receiver(receiver, ReceiverSettings(port=int(port)))


if __name__ == "__main__":
    use_secret_of_tests()
    asyncio.run(main(*sys.argv[1:]))
