"""A copy of a shop at another address, as agencies make them: same orders, keys, webhooks and their secrets.

`POST /_sandbox/clone` at the copy's address copies the original as it stands then; from there on each goes its own way.
The copy's webhooks still name the addresses of the original's: what receives them must not believe their bodies.
"""

from __future__ import annotations

from copy import deepcopy

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from services.sandbox.woocommerce.control import state
from services.sandbox.woocommerce.shop import Shop

PATH = "/_sandbox/clone"
OWN = frozenset({"settings", "now", "home_url", "listeners"})
"""What a copy keeps of its own; everything else it takes over."""


class Clone:
    """ASGI app: a shop that becomes a copy of `original` when it is asked to."""

    def __init__(self, app: Starlette, original: Shop) -> None:
        self.app, self.original = app, original

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] == "http" and (scope["method"], scope["path"]) == ("POST", PATH):
            take_over(self.app.state.shop, self.original)
            answer = JSONResponse(state(self.app.state.shop)["counts"])
            await answer(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def take_over(copy: Shop, original: Shop) -> None:
    """Makes a shop hold what another holds now."""
    for name, value in vars(original).items():
        if name not in OWN:
            setattr(copy, name, deepcopy(value))
