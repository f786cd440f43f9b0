"""The network under httpx: TCP and TLS straight on asyncio, where a request costs a third less than through anyio.

httpcore takes any `AsyncNetworkBackend`. What may be assumed after a failure is said in its words: an error while
connecting is a `ConnectError` or `ConnectTimeout` (nothing was sent), a later one is of writing or reading.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.request import getproxies

import httpcore
import httpx

from services.shared.upstream.arrivals import Arrivals

AHEAD = 0.25
"""Seconds after which the next address of a host is tried beside the one before it (RFC 8305)."""


def network(tls: ssl.SSLContext | None, connections: int) -> httpx.AsyncBaseTransport:
    """The way to an upstream, over at most so many connections; through the proxies that the environment names."""
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    trust: ssl.SSLContext | bool = True if tls is None else tls
    return Proxied(trust, limits) if getproxies() else Wired(trust, limits)


class Wired(httpx.AsyncHTTPTransport):
    """httpx's own transport over `Network`."""

    def __init__(self, trust: ssl.SSLContext | bool, limits: httpx.Limits) -> None:
        super().__init__(verify=trust, limits=limits)
        self._pool._network_backend = Network()


class Proxied(httpx.AsyncBaseTransport):
    """A client of httpx, which knows what the environment says of proxies, and for whom they are not meant."""

    def __init__(self, trust: ssl.SSLContext | bool, limits: httpx.Limits) -> None:
        self._client = httpx.AsyncClient(verify=trust, limits=limits)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, body not read."""
        return await self._client.send(request, stream=True)

    async def aclose(self) -> None:
        """Closes every connection."""
        await self._client.aclose()


class Network(httpcore.AsyncNetworkBackend):
    """Connects over TCP."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to the first address of the host that takes one."""
        with _told_as(httpcore.ConnectTimeout, httpcore.ConnectError):
            async with asyncio.timeout(timeout):
                connecting = asyncio.get_running_loop().create_connection(
                    Arrivals,
                    host,
                    port,
                    local_addr=(local_address, 0) if local_address else None,
                    happy_eyeballs_delay=AHEAD,
                )
                _, arrivals = await connecting
        for option in socket_options or ():
            arrivals.transport.get_extra_info("socket").setsockopt(*option)
        return Wire(arrivals)

    async def sleep(self, seconds: float) -> None:
        """Wait between tries."""
        await asyncio.sleep(seconds)


class Wire(httpcore.AsyncNetworkStream):
    """One connection."""

    def __init__(self, arrivals: Arrivals) -> None:
        self._arrivals = arrivals

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """What has arrived, once there is something; nothing at the end."""
        with _told_as(httpcore.ReadTimeout, httpcore.ReadError):
            async with asyncio.timeout(None if self._arrivals.readable else timeout):
                return await self._arrivals.taken(max_bytes)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Hand over to be sent."""
        with _told_as(httpcore.WriteTimeout, httpcore.WriteError):
            async with asyncio.timeout(timeout):
                self._arrivals.transport.write(buffer)
                await self._arrivals.room()

    async def aclose(self) -> None:
        """Close: what was written is sent if the network takes it at once."""
        self._arrivals.transport.close()
        await asyncio.sleep(0)
        self._arrivals.transport.abort()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        """The same connection with TLS."""
        plain = self._arrivals.transport
        with _told_as(httpcore.ConnectTimeout, httpcore.ConnectError):
            async with asyncio.timeout(timeout):
                secured = await asyncio.get_running_loop().start_tls(
                    plain, self._arrivals, ssl_context, server_hostname=server_hostname
                )
                if secured is None:
                    raise ConnectionResetError("closed while TLS was being agreed")
        self._arrivals.connection_made(secured)
        return self

    def get_extra_info(self, info: str) -> Any:
        """`is_readable` tells an idle connection that the server has closed, or has sent something unasked."""
        if info == "is_readable":
            return self._arrivals.readable
        return self._arrivals.transport.get_extra_info(_NAMES.get(info, info))


_NAMES = {"client_addr": "sockname", "server_addr": "peername"}


@contextmanager
def _told_as(late: type[Exception], broken: type[Exception]) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise late(str(error)) from error
    except OSError as error:
        raise broken(str(error)) from error
