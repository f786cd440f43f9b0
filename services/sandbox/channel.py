"""The HTTP traffic of a sandbox: the request journal, response rewriting, cut connections, and a page cache."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import struct
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from starlette.types import ASGIApp, Message, Receive, Scope, Send

ID_IN_PATH = re.compile(r"(?<=/)(\d+|[0-9a-fA-F]{8}-[0-9a-fA-F-]{27})(?=/|$)")


@dataclass(slots=True)
class JournalEntry:
    """One request; `status` stays None when no answer was sent, `bytes` is the size of its body."""

    at: str
    method: str
    path: str
    query: str
    status: int | None = None
    bytes: int = 0
    fault: str | None = None


class RequestJournal:
    """The last `limit` requests, counts of all of them by "METHOD path-template", and the most seen at once."""

    def __init__(self, now: Callable[[], datetime], limit: int = 5000) -> None:
        self.now = now
        self.entries: deque[JournalEntry] = deque(maxlen=limit)
        self.counts: Counter[str] = Counter()
        self.in_flight = 0
        self.most_at_once = 0

    def record_arrival(self, method: str, path: str, query: str) -> JournalEntry:
        """Records a request on arrival, so that unanswered ones are included."""
        entry = JournalEntry(self.now().isoformat(), method, path, query)
        self.entries.append(entry)
        self.counts[f"{method} {path_template(path)}"] += 1
        self.in_flight += 1
        self.most_at_once = max(self.most_at_once, self.in_flight)
        return entry

    def record_end(self) -> None:
        """Records that a request has ended, answered or not."""
        self.in_flight -= 1

    def clear(self) -> None:
        """Forgets every request and count."""
        self.entries.clear()
        self.counts.clear()
        self.most_at_once = self.in_flight

    def as_json(self) -> dict[str, Any]:
        """`{"requests": [...], "counts": {"GET /wp-json/wc/v3/orders/{id}": 3}, "most_at_once": 2}`."""
        return {
            "requests": [asdict(entry) for entry in self.entries],
            "counts": dict(self.counts),
            "most_at_once": self.most_at_once,
        }


def path_template(path: str) -> str:
    """The path with numbers and GUIDs replaced by `{id}`."""
    return ID_IN_PATH.sub("{id}", path)


def rewrite_json(body: bytes, record: int | str | None, fields: Mapping[str, Any] | None) -> bytes:
    """A JSON answer in which `fields` replace those of its records, or of the one with this id or uid."""
    answer = json.loads(body)
    if isinstance(answer, list):
        return json.dumps([_rewrite_record(each, record, fields) for each in answer]).encode()
    return json.dumps(_rewrite_record(answer, record, fields)).encode()


def _rewrite_record(answered: Any, record: int | str | None, fields: Mapping[str, Any] | None) -> Any:
    if not isinstance(answered, dict) or (record is not None and answered.get("id", answered.get("uid")) != record):
        return answered
    if fields is None:
        return None
    for way, value in fields.items():
        _set_value(answered, way.split("."), value)
    return answered


def _set_value(inner: Any, way: list[str], value: Any) -> None:
    """Replaces one value; an unknown path changes nothing."""
    step, *rest = way
    key: Any = int(step) if isinstance(inner, list) else step
    if not rest and isinstance(inner, dict | list):
        inner[key] = value
    elif (isinstance(inner, dict) and key in inner) or (isinstance(inner, list) and key < len(inner)):
        _set_value(inner[key], rest, value)


LINGER_ZERO = struct.pack("ii", 1, 0)  # SO_LINGER on, zero seconds: closing sends a reset


class ConnectionCut(ConnectionResetError):
    """The connection was cut without an answer, and there was no socket to cut."""


class RequestChannel:
    """One request's channel: counts its body, notes its answer's status, and can cut the connection."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, entry: JournalEntry) -> None:
        self.scope = scope
        self.entry = entry
        self._receive = receive
        self._send = send
        self._gone = False

    async def receive(self) -> Message:
        """The next piece of the request."""
        message = await self._receive()
        self.entry.bytes += len(message.get("body", b""))
        self._gone = message["type"] == "http.disconnect"
        return message

    async def send(self, message: Message) -> None:
        """Sends a piece of the answer."""
        if message["type"] == "http.response.start":
            self.entry.status = message["status"]
        await self._send(message)

    def truncating_send(self, keep: int) -> Send:
        """A `send` that lets through the head and the first `keep` bytes of the body, and never ends the answer."""

        async def send(message: Message) -> None:
            nonlocal keep
            if message["type"] == "http.response.body":
                body = message.get("body", b"")[:keep]
                keep -= len(body)
                message = {"type": "http.response.body", "body": body, "more_body": True}
            await self.send(message)

        return send

    def rewriting_send(self, rewrite: Callable[[bytes], bytes]) -> Send:
        """A `send` that keeps the answer back until it is whole, and then sends it with another body."""
        pieces: list[bytes] = []
        head: Message = {}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                head.update(message)
                return
            pieces.append(message.get("body", b""))
            if not message.get("more_body"):
                body = rewrite(b"".join(pieces))
                await self.send({**head, "headers": _with_length(head["headers"], len(body))})
                await self.send({"type": "http.response.body", "body": body})

        return send

    async def silence(self, seconds: float) -> None:
        """Waits until the client has left, at most `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._client_left()
        except TimeoutError:
            return

    async def cut(self) -> None:
        """Cuts the connection; raises ConnectionCut where there is no socket."""
        transport = self.scope.get("state", {}).get("transport")
        if transport is None:
            raise ConnectionCut(f"the sandbox cut {self.scope['method']} {self.scope['path']} ({self.entry.fault})")
        reset_connection(transport)
        await self._client_left()

    async def _client_left(self) -> None:
        while not self._gone:
            await self.receive()


def _with_length(headers: Iterable[tuple[bytes, bytes]], length: int) -> list[tuple[bytes, bytes]]:
    kept = [(name, value) for name, value in headers if name.lower() != b"content-length"]
    return [*kept, (b"content-length", str(length).encode())]


async def discard(message: Message) -> None:
    """A `send` that discards every message."""


def reset_connection(transport: asyncio.Transport) -> None:
    """Closes a connection with a TCP reset, unless an answer is on its way: that much is let out first."""
    if transport.is_closing():
        return
    if transport.get_write_buffer_size() == 0 and (peer := transport.get_extra_info("socket")) is not None:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
    transport.abort()


CacheBypass = Literal["header", "query", "nothing"]
"""What gets past the cache: `Cache-Control: no-cache`, another query than before, or nothing at all."""


class PageCache:
    """Caches the first response of each page."""

    def __init__(self, app: ASGIApp, past: CacheBypass) -> None:
        self._app, self._past = app, past
        self._pages: dict[str, list[Message]] = {}

    async def answer(self, wire: RequestChannel) -> None:
        """Answers from the cache, or lets the app answer and keeps that."""
        page = self._page(wire.scope)
        hit = page in self._pages and not self._passes(wire.scope)
        if not hit:
            self._pages[page] = await self._fetch(wire)
        for message in self._pages[page]:
            await wire.send(_with_cache_header(message, hit))

    async def _fetch(self, wire: RequestChannel) -> list[Message]:
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


def _with_cache_header(message: Message, hit: bool) -> Message:
    """Adds the `x-cache` header that many caches send."""
    if message["type"] != "http.response.start":
        return message
    return {**message, "headers": [*message["headers"], (b"x-cache", b"HIT" if hit else b"MISS")]}
