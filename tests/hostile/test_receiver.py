"""The receiver of webhooks under attack: it is the only port of Davtari that strangers reach."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from time import monotonic

import pytest
import pytest_asyncio

from services.demo.environment import WEBHOOK_SECRET
from services.demo.kafka import Broker
from services.engine.runtime.connections import MOST
from services.store_feed.bodies import LARGEST
from services.store_feed.webhook import sign_body
from tests.end_to_end.system import start_system
from tests.hostile.attack import Target, allow_many_files, answer, connected, post, running

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.xdist_group("hostile receiver"),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(180),
]
PATH = "/webhooks/main"
MEMORY = 200
"""Megabytes that store-feed may take while it is attacked."""
PATIENCE = 1.0
"""Seconds in which a signed webhook is answered."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def target(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Target]:
    """A running store-feed."""
    allow_many_files()
    folder = tmp_path_factory.mktemp("attacked")
    async with (
        start_system(folder, kafka.bootstrap_servers) as made,
        running(made.world.settings_file, "store-feed", made.settings.receiver.port) as started,
    ):
        yield started


def _forged(body: bytes) -> dict[str, str]:
    forged = sign_body(body, b"a guess").decode()
    return {"Content-Length": str(len(body)), "X-WC-Webhook-Signature": forged}


async def _deliver(target: Target, number: int) -> float:
    """Deliver a signed webhook; gives the seconds until it was answered with 200."""
    body = json.dumps({"id": number}).encode()
    mark = sign_body(body, WEBHOOK_SECRET.encode()).decode()
    headers = {"Content-Length": str(len(body)), "X-WC-Webhook-Signature": mark, "X-WC-Webhook-Topic": "order.updated"}
    began = monotonic()
    status, body = await answer(target.port, post(PATH, body, headers))
    assert status == 200, body
    return monotonic() - began


async def _withstands(target: Target, number: int) -> None:
    took = await _deliver(target, number)
    memory = target.megabytes()
    print(f"answered after {took * 1000:.0f} ms, {memory:.0f} MB")
    assert took < PATIENCE
    assert memory < MEMORY


@pytest.mark.claim("K36")
async def test_a_thousand_half_open_connections(target: Target) -> None:
    async with connected(target.port, 1000, b"POST /webhooks/main HTTP/1.1\r\nHost: davtari.test\r\n"):
        await _withstands(target, 900_001)


@pytest.mark.claim("K36")
async def test_two_hundred_large_bodies_without_a_signature(target: Target) -> None:
    body = b"x" * (5_000_000)
    unsigned = post(PATH, body, {"Content-Length": str(len(body))})
    async with connected(target.port, 200, unsigned):
        await _withstands(target, 900_002)
    # refused at once, without waiting for the body
    assert (await answer(target.port, unsigned[: -len(body)]))[0] == 401


async def test_two_hundred_large_bodies_with_a_forged_signature(target: Target) -> None:
    body = b"x" * (5_000_000)
    forged = post(PATH, body, _forged(body))
    async with connected(target.port, 200, forged[:-1]):
        await _withstands(target, 900_003)


async def test_every_connection_busy_with_a_request(target: Target) -> None:
    """The body of each is being read, as its interim answer shows: no connection only waits for a request."""
    body = b"x" * 1000
    request = post(PATH, body, _forged(body) | {"Expect": "100-continue"})[:-1]
    async with connected(target.port, MOST, request) as busy:
        async with asyncio.timeout(30):
            found = [reader.readuntil(b"\r\n\r\n") for reader in busy]
            interim = [line for line in await asyncio.gather(*found, return_exceptions=True) if isinstance(line, bytes)]
        assert {line[:12] for line in interim} == {b"HTTP/1.1 100"}
        assert len(interim) > MOST / 2, "on a slow machine the first ones have used up their time by now"
        await _withstands(target, 900_010)
        assert sum(reader.at_eof() for reader in busy) >= 1, "one of the busy connections has given way"


async def test_large_bodies_in_chunks_without_a_signature(target: Target) -> None:
    chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
    request = post(PATH, chunk * 4, {"Transfer-Encoding": "chunked"})
    async with connected(target.port, 100, request):
        await _withstands(target, 900_004)


REFUSED = {
    "a body that is declared too large": (
        post(PATH, b"", {"Content-Length": str(LARGEST + 1), "X-WC-Webhook-Signature": sign_body(b"", b"").decode()}),
        413,
    ),
    "two lengths": (post(PATH, b"0\r\n\r\n", {"Content-Length": "5", "Transfer-Encoding": "chunked"}), 400),
    "two different Content-Length": (post(PATH, b"x", {"Content-Length": "1", "content-length": "2"}), 400),
    "a negative Content-Length": (post(PATH, b"", {"Content-Length": "-1"}), 400),
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    "a head without end": (post(PATH, b"", {f"X-{n}": "y" * 1000 for n in range(66)})[:-2], 400),
    "a path that is not ASCII": (b"POST /webhooks/\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "an upgrade": (
        post(PATH, b"", {"Connection": "Upgrade", "Upgrade": "websocket", "Content-Length": "0"}),
        401,
    ),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_malformed_requests(target: Target, name: str) -> None:
    request, status = REFUSED[name]
    assert (await answer(target.port, request))[0] == status
    await _withstands(target, 900_005)


async def test_a_client_that_sends_its_head_too_slowly_is_cut_off(target: Target) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
    writer.write(b"POST /webhooks/main HTTP/1.1\r\n")

    async def drip() -> None:
        while not writer.transport.is_closing():
            writer.write(b"X: y\r\n")
            await asyncio.sleep(1)

    dripping = asyncio.create_task(drip())
    try:
        async with asyncio.timeout(20):
            with suppress(ConnectionResetError):
                await reader.read()
    finally:
        dripping.cancel()
        writer.transport.abort()


async def test_a_flood_of_forged_webhooks_does_not_flood_the_log(target: Target) -> None:
    before = len(target.lines())
    body = b"{}"
    statuses = {(await answer(target.port, post(PATH, body, _forged(body))))[0] for _ in range(500)}
    statuses |= {(await answer(target.port, b"nonsense\r\n\r\n"))[0] for _ in range(100)}

    assert statuses == {401, 400}
    assert len(target.lines()) - before < 20
