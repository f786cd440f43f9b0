"""Serves a sandbox on a real port, with TLS if wanted.

    async with serve(app, tls=True) as served:
        httpx.AsyncClient(base_url=served.url, verify=ssl.create_default_context(cafile=served.ca_file))

uvicorn runs in the current event loop. The certificate is generated at start; `ca_file` is the authority to trust.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import trustme
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol


@dataclass(frozen=True)
class Endpoint:
    """Where a sandbox listens: `url` without a trailing slash, `ca_file` with TLS."""

    url: str
    ca_file: str | None


class CuttableProtocol(H11Protocol):
    """Passes the connection's transport to the app as `scope["state"]["transport"]`, so that a fault can cut it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Takes a new connection."""
        self.app_state = {**self.app_state, "transport": transport}
        super().connection_made(transport)  # type: ignore[arg-type]


@asynccontextmanager
async def serve(
    app: ASGIApp,
    host: str = "127.0.0.1",
    port: int = 0,
    tls: bool = False,
    names: Sequence[str] = (),
    ca_file: Path | None = None,
) -> AsyncIterator[Endpoint]:
    """Serves `app` while the context is open; port 0 takes a free one.

    `names` are further host names for the certificate (127.0.0.1 and localhost are always in). `ca_file` says where
    to write the authority's certificate; without it a temporary file is used. OSError when the port is taken.
    """
    with bind_socket(host, port) as sock, issue_certificate(tls, [host, *names], ca_file) as (context, trusted):
        server = uvicorn.Server(uvicorn_config(app, context))
        async with run_server(server, sock):
            bound = sock.getsockname()[1]
            yield Endpoint(f"{'https' if tls else 'http'}://{host_in_url(host)}:{bound}", trusted)


def uvicorn_config(app: ASGIApp, context: ssl.SSLContext | None) -> uvicorn.Config:
    """uvicorn's settings for a sandbox."""
    return uvicorn.Config(
        app,
        http=CuttableProtocol,
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=60,
        timeout_graceful_shutdown=1,
        ssl_context_factory=(lambda _config, _default: context) if context else None,
    )


@asynccontextmanager
async def run_server(server: uvicorn.Server, sock: socket.socket) -> AsyncIterator[None]:
    """Runs a server on a bound socket without touching the process's signal handlers."""
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    await server.startup(sockets=[sock])
    ticking = asyncio.create_task(server.main_loop())
    try:
        yield
    finally:
        ticking.cancel()
        with suppress(asyncio.CancelledError):
            await ticking
        abort_connections(server)
        await server.shutdown(sockets=[sock])


def abort_connections(server: uvicorn.Server) -> None:
    """Aborts open connections, so that faults without a response do not delay the shutdown."""
    for connection in list(server.server_state.connections):
        if (transport := connection.transport) is not None:
            transport.abort()


@contextmanager
def bind_socket(host: str, port: int) -> Iterator[socket.socket]:
    """A bound TCP socket."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        yield sock


@contextmanager
def issue_certificate(
    tls: bool, names: Sequence[str], ca_file: Path | None
) -> Iterator[tuple[ssl.SSLContext | None, str | None]]:
    """A server's TLS context and the file of the authority that signed it; (None, None) without TLS."""
    if not tls:
        yield None, None
        return
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(*dict.fromkeys(["127.0.0.1", "localhost", *names])).configure_cert(context)
    with tempfile.TemporaryDirectory() as folder:
        written = ca_file or Path(folder) / "ca.pem"
        authority.cert_pem.write_to_path(written)
        yield context, str(written)


def host_in_url(host: str) -> str:
    """The host for a URL: loopback for all interfaces, IPv6 in brackets."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"[{reachable}]" if ":" in reachable else reachable
