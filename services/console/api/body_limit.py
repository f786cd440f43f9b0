"""Refuses requests with large bodies before anything reads them."""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from services.console.api.problems import ApiProblem, ProblemCode
from services.console.api.routes import answer_problem

LARGEST = 64 * 1024
"""Bytes of a body."""


class BodyLimit:
    """The application, called only with requests whose body is announced as small enough."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http" and _announced(scope) > LARGEST:
            detail = f"a body may have {LARGEST} bytes"
            problem = ApiProblem(ProblemCode.BODY_TOO_LARGE, detail, headers={"connection": "close"})
            await (await answer_problem(Request(scope), problem))(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _announced(scope: Scope) -> int:
    """The length in the head of the request, which the server has checked to be a number; 0 without one."""
    return int(dict(scope["headers"]).get(b"content-length", b"0"))
