"""Where messages arrive: a webhook receiver and a mail server on loopback, which may be away or refuse."""

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
class Hook:
    """A webhook receiver; while `refusals` are left it answers 503."""

    refusals: int = 0
    asked: int = 0
    got: list[dict[str, Any]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)

    @property
    def titles(self) -> list[str]:
        """The titles of what was taken, in order."""
        return [str(each["title"]) for each in self.got]

    async def take(self, request: Request) -> Response:
        """One call of Apprise's `json://`."""
        self.asked += 1
        if self.refusals:
            self.refusals -= 1
            return Response(status_code=503)
        self.got.append(await request.json())
        self.ids.append(request.headers["x-davtari-alert"])
        return Response(status_code=204)


@asynccontextmanager
async def hook_on(hook: Hook, port: int) -> AsyncIterator[Hook]:
    """The receiver, listening for as long as the context lasts."""
    app = Starlette(routes=[Route("/{rest:path}", hook.take, methods=["POST"])])
    with socket.create_server(("127.0.0.1", port)) as bound:
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="error", timeout_graceful_shutdown=1))
        serving = asyncio.create_task(server.serve([bound]))
        try:
            yield hook
        finally:
            server.should_exit = True
            await serving


@dataclass
class Post:
    """A mail server that takes everything; `mails` holds what came."""

    mails: list[Message] = field(default_factory=list)
    port: int = 0

    @property
    def subjects(self) -> list[str]:
        """The subjects of what was taken, in order."""
        return [str(each["Subject"]) for each in self.mails]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One conversation in SMTP (RFC 5321), as far as a client that sends one mail needs it."""
        await _say(writer, "220 loopback")
        while word := (await reader.readline()).decode().strip():
            verb = word.upper().partition(" ")[0]
            if verb == "DATA":
                await _say(writer, "354 go on")
                self.mails.append(await _mail(reader))
            await _say(writer, "221 bye" if verb == "QUIT" else "250 ok")
            if verb == "QUIT":
                break
        writer.close()


async def _say(writer: asyncio.StreamWriter, line: str) -> None:
    writer.write(line.encode() + b"\r\n")
    await writer.drain()


async def _mail(reader: asyncio.StreamReader) -> Message:
    lines: list[bytes] = []
    while (line := await reader.readline()) != b".\r\n":
        lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
    return message_from_bytes(b"".join(lines), policy=default)


@asynccontextmanager
async def post_office() -> AsyncIterator[Post]:
    """A mail server at its port for as long as the context lasts."""
    post = Post()
    async with await asyncio.start_server(post.serve, "127.0.0.1", 0) as server:
        post.port = server.sockets[0].getsockname()[1]
        yield post
