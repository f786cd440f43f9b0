"""A receiver of webhooks that checks every signature, keeps what it got, and answers as a test wants."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

KEY = b"a key of thirty-two bytes, or so"
SECRET = "whsec_" + base64.b64encode(KEY).decode()


@dataclass(frozen=True)
class Got:
    """One attempt: its headers, the event in its body, and what it was answered."""

    headers: dict[str, str]
    event: dict[str, Any]
    answered: int

    @property
    def key(self) -> str:
        """The key of its record."""
        return str(self.event["partitionkey"])

    @property
    def version(self) -> int:
        """The version of its subject."""
        return int(self.event["sequence"])


@dataclass
class Receiver:
    """`answer` gives the status for an event, from the event and how often it came before."""

    answer: Callable[[dict[str, Any], int], int] = lambda event, before: 204
    got: list[Got] = field(default_factory=list)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    """While it is not set, requests hang."""
    url: str = ""
    came: int = 0
    """How many requests came, those that hang included."""

    @property
    def taken(self) -> list[Got]:
        """The attempts that were answered with 2xx."""
        return [one for one in self.got if 200 <= one.answered < 300]

    async def take(self, request: Request) -> Response:
        """Take one attempt. An attempt with a wrong signature is an error of the test."""
        body = await request.body()
        assert signed(request.headers, body), "the signature is wrong"
        self.came += 1
        await self.open.wait()
        event = json.loads(body)
        before = sum(one.event["id"] == event["id"] for one in self.got)
        status = self.answer(event, before)
        self.got.append(Got(dict(request.headers), event, status))
        return Response(status_code=status)

    async def has_taken(self, count: int) -> bool:
        """Whether at least so many different events were taken."""
        return len({one.event["id"] for one in self.taken}) >= count

    def versions(self, key: str) -> list[int]:
        """The versions of a key in the order in which they were first taken."""
        return list(dict.fromkeys(one.version for one in self.taken if one.key == key))


def signed(headers: Any, body: bytes) -> bool:
    """Whether one of the signatures is KEY's, worked out without the code under test."""
    signed_text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = base64.b64encode(hmac.digest(KEY, signed_text, hashlib.sha256)).decode()
    return any(hmac.compare_digest(each, f"v1,{wanted}") for each in headers["webhook-signature"].split())


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@asynccontextmanager
async def listening(receiver: Receiver, port: int = 0) -> AsyncIterator[Receiver]:
    """The receiver, answering at its URL for as long as the context lasts."""
    receiver.open.set()
    app = Starlette(routes=[Route("/hook", receiver.take, methods=["POST"])])
    with socket.create_server(("127.0.0.1", port)) as bound:
        receiver.url = f"http://127.0.0.1:{bound.getsockname()[1]}/hook"
        config = uvicorn.Config(app, lifespan="off", log_level="error", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve([bound]))
        try:
            yield receiver
        finally:
            receiver.open.set()
            server.should_exit = True
            await serving
