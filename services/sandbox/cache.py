"""A page cache in front of a shop: it gives its first answer to a page again and again."""

from __future__ import annotations

from typing import Literal

from starlette.types import ASGIApp, Message, Scope

from services.sandbox.wire import Wire

Past = Literal["header", "query", "nothing"]
"""What gets past the cache: `Cache-Control: no-cache`, another query than before, or nothing at all."""


class PageCache:
    """The answers that were given once, by page."""

    def __init__(self, app: ASGIApp, past: Past) -> None:
        self._app, self._past = app, past
        self._pages: dict[str, list[Message]] = {}

    async def answer(self, wire: Wire) -> None:
        """Answers from the cache, or lets the app answer and keeps that."""
        page = self._page(wire.scope)
        hit = page in self._pages and not self._passes(wire.scope)
        if not hit:
            self._pages[page] = await self._asked(wire)
        for message in self._pages[page]:
            await wire.send(_marked(message, hit))

    async def _asked(self, wire: Wire) -> list[Message]:
        answer: list[Message] = []

        async def keep(message: Message) -> None:
            answer.append(message)

        await self._app(wire.scope, wire.receive, keep)
        return answer

    def _page(self, scope: Scope) -> str:
        query = scope["query_string"].decode("latin-1") if self._past == "query" else ""
        return f"{scope['method']} {scope['path']}?{query}"

    def _passes(self, scope: Scope) -> bool:
        if self._past != "header":
            return False
        return any(name == b"cache-control" and b"no-cache" in value for name, value in scope["headers"])


def _marked(message: Message, hit: bool) -> Message:
    """The answer with the header by which many caches tell of themselves."""
    if message["type"] != "http.response.start":
        return message
    return {**message, "headers": [*message["headers"], (b"x-cache", b"HIT" if hit else b"MISS")]}
