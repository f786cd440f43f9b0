"""Recipients of messages: a webhook receiver and a mail server on loopback, which may be unavailable or refuse."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from email.policy import default
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


@dataclass
class WebhookReceiver:
    """A webhook receiver; while `refusals` are left it answers 503."""

    refusals: int = 0
    calls: int = 0
    messages: list[dict[str, Any]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)

    @property
    def titles(self) -> list[str]:
        """The titles of the accepted messages, in order."""
        return [str(each["title"]) for each in self.messages]

    async def handle(self, request: Request) -> Response:
        """Handle one call of `json://` of Apprise."""
        self.calls += 1
        if self.refusals:
            self.refusals -= 1
            return Response(status_code=503)
        self.messages.append(await request.json())
        self.ids.append(request.headers["x-davtari-alert"])
        return Response(status_code=204)


@asynccontextmanager
async def serve_webhook(hook: WebhookReceiver, port: int) -> AsyncIterator[WebhookReceiver]:
    """Serve the receiver while the context lasts."""
    app = Starlette(routes=[Route("/{rest:path}", hook.handle, methods=["POST"])])
    with socket.create_server(("127.0.0.1", port)) as bound:
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="error", timeout_graceful_shutdown=1))
        serving = asyncio.create_task(server.serve([bound]))
        try:
            yield hook
        finally:
            server.should_exit = True
            await serving


@dataclass
class MailServer:
    """A mail server that accepts everything and keeps it in `mails`."""

    mails: list[Message] = field(default_factory=list)
    port: int = 0

    @property
    def subjects(self) -> list[str]:
        """The subjects of the accepted mails, in order."""
        return [str(each["Subject"]) for each in self.mails]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Handle one SMTP session (RFC 5321), as far as a client that sends one mail needs it."""
        await _send(writer, "220 loopback")
        while command := (await reader.readline()).decode().strip():
            verb = command.upper().partition(" ")[0]
            if verb == "DATA":
                await _send(writer, "354 continue")
                self.mails.append(await _read_mail(reader))
            await _send(writer, "221 bye" if verb == "QUIT" else "250 ok")
            if verb == "QUIT":
                break
        writer.close()


async def _send(writer: asyncio.StreamWriter, line: str) -> None:
    writer.write(line.encode() + b"\r\n")
    await writer.drain()


async def _read_mail(reader: asyncio.StreamReader) -> Message:
    lines: list[bytes] = []
    while (line := await reader.readline()) != b".\r\n":
        lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
    return message_from_bytes(b"".join(lines), policy=default)


@asynccontextmanager
async def serve_mail() -> AsyncIterator[MailServer]:
    """Serve mail at a free port while the context lasts."""
    mail_server = MailServer()
    async with await asyncio.start_server(mail_server.serve, "127.0.0.1", 0) as server:
        mail_server.port = server.sockets[0].getsockname()[1]
        yield mail_server
