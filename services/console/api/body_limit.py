"""Refuses requests with large bodies before anything keeps them."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.console.api.problems import ApiProblem, ProblemCode
from services.console.api.routes import answer_problem

LARGEST = 64 * 1024
"""Bytes of a body."""
DRAINED, DRAIN_SECONDS = 1024 * 1024, 5.0
"""So much of a refused body is read and forgotten: a client that still sends would not read the answer."""
CLOSING = {"connection": "close"}


class BodyLimit:
    """The application, called only with bodies up to the limit."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http" and _announced(scope) > LARGEST:
            await _drain(receive)
            problem = ApiProblem(ProblemCode.BODY_TOO_LARGE, f"a body may have {LARGEST} bytes", headers=CLOSING)
            await (await answer_problem(Request(scope), problem))(scope, receive, send)
        else:
            await self._app(scope, _bounded(receive), send)


def _bounded(receive: Receive) -> Receive:
    """Receives a body whose length was not announced up to the limit."""
    size = 0

    async def bounded() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > LARGEST:
            await _drain(receive)
            raise HTTPException(413, headers=CLOSING)
        return message

    return bounded


async def _drain(receive: Receive) -> None:
    """Read the rest of a body, within bounds."""
    left, more = DRAINED, True
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS):
            while more and left > 0:
                message = await receive()
                left -= len(message.get("body", b""))
                more = message.get("more_body", False)


def _announced(scope: Scope) -> int:
    """The length in the head of the request, which the server has checked to be a number; 0 without one."""
    return int(dict(scope["headers"]).get(b"content-length", b"0"))
