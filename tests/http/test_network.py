"""Calls over real sockets: the meaning of a broken, silent or closed connection."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme

from services.connectors.http.upstream import Limits, Timeouts, Upstream, create_tls_context
from services.engine.outbox.upstream_errors import ReadFailed, Unavailable, UnknownOutcome, UpstreamError
from tests.http.fake_upstream import LABELS

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
BIG = 8 * 1024 * 1024
CHUNK = 256 * 1024
SHORT = Timeouts(connect=0.3, read=0.3, write=0.3, pool=0.3)


@asynccontextmanager
async def server(handle: Talk, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """A server that handles each connection with `handle`; yields its address."""
    serving = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    host, port = serving.sockets[0].getsockname()
    yield f"{'https' if tls else 'http'}://{'localhost' if tls else host}:{port}/Sale"
    serving.close()


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """Read one request with its body."""
    head = await reader.readuntil(b"\r\n\r\n")
    _, _, rest = head.lower().partition(b"content-length:")
    return head + await reader.readexactly(int(rest.split(b"\r\n")[0] or 0))


async def closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.close()


async def resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.transport.abort()


async def answers_half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.write(b'HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n[{"uid"')
    writer.close()


async def is_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while not reader.at_eof():
        await read_request(reader)
        writer.write(OK)


async def failure(url: str, *, writes: bool) -> UpstreamError:
    async with Upstream(LABELS, timeouts=SHORT, limits=Limits(tries=1)) as upstream:
        with pytest.raises(UpstreamError) as raised:
            await upstream.request("PUT" if writes else "GET", url, json={}, writes=writes)
    return raised.value


@pytest.mark.parametrize("handle", [closes, resets, answers_half, is_silent])
@pytest.mark.claim("K2")
async def test_a_request_that_was_sent_has_an_unknown_outcome(handle: Talk) -> None:
    async with server(handle) as url:
        assert type(await failure(url, writes=True)) is UnknownOutcome
        assert type(await failure(url, writes=False)) is ReadFailed


async def test_a_failed_connection_has_sent_nothing(unused_tcp_port: int) -> None:
    for writes in (True, False):
        found = await failure(f"http://127.0.0.1:{unused_tcp_port}/Sale", writes=writes)
        assert type(found) is Unavailable
        assert "nothing was sent" in found.message


@pytest.mark.parametrize("handle", [is_silent, resets])
async def test_nothing_is_sent_to_a_server_without_the_expected_tls(handle: Talk) -> None:
    async with server(handle) as url:
        found = await failure(url.replace("http:", "https:"), writes=True)
    assert type(found) is Unavailable
    assert "nothing was sent" in found.message


async def test_nothing_is_sent_to_an_unknown_host() -> None:
    found = await failure("http://no-such-host.invalid/Sale", writes=True)
    assert type(found) is Unavailable
    assert "no connection" in found.message


@pytest.fixture
def authority(tmp_path: Path) -> tuple[ssl.SSLContext, Path]:
    """The TLS context of a server on this machine, and the certificate file of its authority."""
    issuer, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issuer.issue_cert("localhost").configure_cert(context)
    issuer.cert_pem.write_to_path(tmp_path / "ca.pem")
    return context, tmp_path / "ca.pem"


async def test_large_bodies_pass_over_tls_in_both_directions(authority: tuple[ssl.SSLContext, Path]) -> None:
    async def echoes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, _, body = (await read_request(reader)).partition(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()

    context, ca_file = authority
    body = bytes(range(256)) * (BIG // 256)
    async with (
        server(echoes, context) as url,
        Upstream(LABELS, tls=create_tls_context("test", ca_file=ca_file)) as upstream,
    ):
        assert (await upstream.request("PUT", url, content=body, writes=True)).content == body


async def test_an_untrusted_certificate_is_reported(authority: tuple[ssl.SSLContext, Path]) -> None:
    async with server(answers, authority[0]) as url:
        found = await failure(url, writes=True)
    assert "the TLS certificate is not trusted" in found.message


async def test_calls_share_a_connection() -> None:
    made: list[asyncio.StreamWriter] = []

    async def counted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        made.append(writer)
        await answers(reader, writer)

    async with server(counted) as url, Upstream(LABELS) as upstream:
        for _ in range(5):
            await upstream.request("PUT", url, json={}, writes=True)
    assert len(made) == 1


@pytest.mark.parametrize("afterwards", [b"", b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n"])
async def test_a_connection_closed_by_the_server_while_idle_is_not_reused(afterwards: bytes) -> None:
    given_up = asyncio.Event()

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK + afterwards)
        writer.close()
        await writer.wait_closed()
        given_up.set()

    async with server(once) as url, Upstream(LABELS, limits=Limits(tries=1)) as upstream:
        for _ in range(3):
            assert (await upstream.request("PUT", url, json={}, writes=True)).status_code == 200
            await given_up.wait()
            given_up.clear()


async def test_an_unread_answer_is_not_buffered() -> None:
    sent, taken = asyncio.Event(), 0

    async def large(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (8 * BIG))
        for _ in range(8 * BIG // CHUNK):
            writer.write(bytes(CHUNK))
            await writer.drain()
        sent.set()

    async with server(large) as url, Upstream(LABELS) as upstream, upstream.stream_get(url) as response:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(sent.wait(), 0.3)
        async for piece in response.aiter_bytes():
            taken += len(piece)
        await asyncio.wait_for(sent.wait(), 5)
    assert taken == 8 * BIG


async def test_the_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await read_request(reader))
        writer.write(OK)

    async with server(proxy) as url:
        monkeypatch.setenv("http_proxy", url.removesuffix("/Sale"))
        async with Upstream(LABELS) as upstream:
            await upstream.request("GET", "http://balance.example/Items", writes=False)
    assert seen[0].startswith(b"GET http://balance.example/Items HTTP/1.1")


async def hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.write(OK)
    writer.close()


async def breaks_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.write(OK)
    await writer.drain()
    writer.transport.abort()


async def never_answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    await reader.read()
    writer.transport.abort()


@pytest.mark.parametrize("handle", [answers, hangs_up, breaks_off, never_answers])
async def test_closing_raises_nothing_in_any_state_of_the_tls_connection(
    authority: tuple[ssl.SSLContext, Path], handle: Talk
) -> None:
    complaints: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    context, ca_file = authority
    async with server(handle, context) as url:
        upstream = Upstream(LABELS, tls=create_tls_context("test", ca_file=ca_file), limits=Limits(tries=1))
        call = asyncio.create_task(upstream.request("PUT", url, json={}, writes=True))
        await asyncio.wait([call], timeout=0.3)
        call.cancel()
        await asyncio.wait([call])
        await upstream.close()
    assert complaints == []
