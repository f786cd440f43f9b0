"""Makes a Balance sandbox: the Exchange service, its control routes, and faults around them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from random import Random

from starlette.applications import Starlette
from starlette.datastructures import State
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.sandbox.balance import control
from services.sandbox.balance.books import Books
from services.sandbox.balance.exchange import exchange
from services.sandbox.balance.settings import BalanceSandboxSettings
from services.sandbox.faults import Faults

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


class BalanceSandbox(Faults):
    """The ASGI app. `books` is all that Balance knows, `state.books` the same; faults are added to the app itself."""

    def __init__(self, books: Books, rng: Random) -> None:
        self.books = books
        self.state = State({"books": books})
        super().__init__(routed(books), now=books.clock, rng=rng)


def create(
    settings: BalanceSandboxSettings | None = None,
    clock: Callable[[], datetime] | None = None,
    rng: Random | None = None,
) -> BalanceSandbox:
    """An empty Balance, to be filled with `catalogue.fill(app.books)` or `POST /_sandbox/catalogue`.

    `clock` gives the time now (aware); `rng` is for faults with a probability.
    """
    now = clock or (lambda: datetime.now(UTC))
    return BalanceSandbox(Books(settings or BalanceSandboxSettings(), now), rng or Random(0))


def routed(books: Books) -> Starlette:
    """The routes: control first, everything else may be a published path of the Exchange service."""

    async def exchanged(request: Request) -> Response:
        return await exchange(request, books)

    return Starlette(routes=[*control.routes(books), Route("/{path:path}", exchanged, methods=METHODS)])
