"""A receiver that is killed at any moment has kept every delivery that it has confirmed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import httpx

from services.engine.state.files import database_path
from services.store_feed.records import NAME
from services.store_feed.webhook import sign_body
from tests.store_feed.conditions import free_port, is_listening
from tests.store_feed.shop_bench import SECRET

SCRIPT = Path(__file__).with_name("receiver_process.py")
ROOT = SCRIPT.parent.parent.parent
ENOUGH = 60


@asynccontextmanager
async def receiving(directory: Path, port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """A receiver in another process, ready to take deliveries."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(SCRIPT), str(directory), str(port), SECRET, env=environ, cwd=directory
    )
    try:
        async with asyncio.timeout(30):
            while not await is_listening(port):
                assert process.returncode is None, "the receiver did not start"
                await asyncio.sleep(0.05)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def sends(client: httpx.AsyncClient, numbers: range, confirmed: set[int], enough: asyncio.Event) -> None:
    """Deliver order after order until the receiver is gone."""
    for number in numbers:
        body = json.dumps({"id": number}).encode()
        headers = {"X-WC-Webhook-Signature": sign_body(body, SECRET.encode()).decode()}
        try:
            answer = await client.post("/webhooks/main", content=body, headers=headers)
        except httpx.TransportError:
            return
        assert answer.status_code == 200
        confirmed.add(number)
        if len(confirmed) >= ENOUGH:
            enough.set()


async def test_a_killed_receiver_has_kept_all_that_it_confirmed(tmp_path: Path) -> None:
    port, confirmed, enough = free_port(), set[int](), asyncio.Event()
    async with receiving(tmp_path, port) as process, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        starts = range(1, 80_001, 10_000)
        senders = [asyncio.create_task(sends(client, range(n, n + 10_000), confirmed, enough)) for n in starts]
        async with asyncio.timeout(30):
            await enough.wait()
            process.send_signal(signal.SIGKILL)
            await asyncio.gather(*senders)

    with closing(sqlite3.connect(database_path(tmp_path, NAME))) as database:
        kept = {json.loads(body)["id"] for (body,) in database.execute("SELECT body FROM inbox")}
    assert len(confirmed) >= ENOUGH
    assert confirmed <= kept
