"""`python -m tests.benchmarks.webhook_server {ours|floor} FOLDER`: a receiver of webhooks under uvicorn.

`ours` is store-feed's receiver and inbox over a state database. `floor` is the least that answers for the same work: an
ASGI app that checks the same signature and writes the same rows into the same table, many to a transaction.
"""

from __future__ import annotations

import asyncio
import hmac
import socket
import sqlite3
import sys
from base64 import b64encode
from pathlib import Path
from random import Random
from typing import Any

import orjson

from services.engine.runtime.serving import ListenAddress, serve
from services.engine.state.database import open_database
from services.engine.state.files import database_path
from services.store_feed.inbox import Inbox
from services.store_feed.webhook import WebhookReceiver
from tests.support.secret import use_secret_of_tests

SECRET = b"a secret between the shop and us"
INSERT = "INSERT INTO inbox (shop, topic, body, traceparent) VALUES (?, ?, ?, ?)"
ANSWER = b'{"status": "stored"}'
HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(ANSWER)).encode())]


Kept = tuple[str, str, bytes, str]


def _row(body: bytes) -> Kept:
    """What is kept of a delivery: which order it is about."""
    return "main", "order.updated", b'{"id":%d}' % orjson.loads(body)["id"], "0" * 55


def heard(shop: str, *, signed: bool) -> None:
    """Nobody watches the signatures here."""


class Floor:
    """Check, wait for the writer, answer."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=FULL")
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = (await receive())["body"]
        given = dict(scope["headers"])[b"x-wc-webhook-signature"]
        assert hmac.compare_digest(b64encode(hmac.digest(SECRET, body, "sha256")), given)
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((body, done))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())
        await done
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await send({"type": "http.response.body", "body": ANSWER})

    async def _write_all(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting, []
            await asyncio.to_thread(self._write, [_row(body) for body, _ in group])
            for _, done in group:
                done.set_result(None)
        self._writing = None

    def _write(self, rows: list[Kept]) -> None:
        self._database.execute("BEGIN")
        self._database.executemany(INSERT, rows)
        self._database.execute("COMMIT")


async def run(kind: str, folder: Path) -> None:
    """Serve until standard input ends."""
    database = await open_database(folder, kind)
    inbox = Inbox(database)
    ours = WebhookReceiver({"main": [SECRET]}, inbox.accept, heard, Random(1))
    app = ours if kind == "ours" else Floor(database_path(folder, kind))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    serving = asyncio.create_task(serve(app, ListenAddress("127.0.0.1", port, what="webhooks", section="receiver")))
    print(port, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    serving.cancel()
    await asyncio.wait([serving])
    await database.close()


if __name__ == "__main__":
    use_secret_of_tests()
    asyncio.run(run(sys.argv[1], Path(sys.argv[2])))
