"""Faults on demand for any ASGI app.

`Faults(app, now=..., rng=...)` is an ASGI middleware. Faults are added in the process (`faults.add(Fault(...))`,
`faults.clear()`) or over HTTP:

    GET    /_sandbox/faults         [{"id": 1, "kind": "status", "match": "PUT /", "times": 2, ...}]
    POST   /_sandbox/faults         {"kind": "status", "match": "GET .*/products", "times": 3, "status": 429,
                                     "headers": {"Retry-After": "2"}}
    DELETE /_sandbox/faults[/{id}]  clears all of them, or one
    GET    /_sandbox/requests       {"requests": [{at, method, path, query, status, bytes, fault}], "counts": {...}}
    DELETE /_sandbox/requests

Paths under /_sandbox are never faulted and not in the journal. A fault applies to the requests whose "METHOD /path"
its regular expression finds. Every matching `latency` delays the request; then the first other match takes it:

    status               answered with status, headers and body instead of by the handler
    outage               the same until it is cleared (503 by default; `"status": null` cuts the connection)
    reset                connection cut, the handler never runs
    commit_then_reset    the handler runs, its answer is thrown away, connection cut
    commit_then_timeout  the handler runs, then silence until the client leaves or `seconds` are over, then cut
    truncate             the handler runs, `keep` bytes of its answer's body are sent, connection cut
    cache                the first answer to each page is repeated; `past` names what bypasses it (channel.py)
    rewrite              the handler runs, and `fields` replace those of its answer: in each record of a list, or only
                         in the one with the id or uid `record`; null for `fields` puts null in the record's place

A cut is a TCP reset under `services.sandbox.server`; without a socket (an ASGI client in the process) it is
`ConnectionCut`, raised to the caller.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from random import Random
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from services.sandbox.channel import (
    CacheBypass,
    ConnectionCut,
    PageCache,
    RequestChannel,
    RequestJournal,
    discard,
    rewrite_json,
)

FaultKind = Literal[
    "latency",
    "status",
    "outage",
    "reset",
    "commit_then_reset",
    "commit_then_timeout",
    "truncate",
    "cache",
    "rewrite",
]
__all__ = ["ConnectionCut", "FaultInjector", "InjectedFault"]

OWN_PATHS = "/_sandbox"
CONTROL = ("/_sandbox/faults", "/_sandbox/requests")


class InjectedFault(BaseModel):
    """One fault to inject; `seconds` is the delay of a latency or the length of a silence.

    `fields` are the values of a rewrite, by name or by way: `{"line_items.0.sku": false}`.
    `times` None means until cleared. `retry_at` seconds from now goes out as a Retry-After HTTP date.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: FaultKind
    match: re.Pattern[str] = re.compile("")
    times: int | None = Field(default=None, ge=1)
    seconds: float = Field(default=30, ge=0)
    status: int | None = Field(default=503, ge=200, le=599)
    headers: dict[str, str] = {}
    body: str = ""
    retry_at: float | None = None
    keep: int = Field(default=0, ge=0)
    past: CacheBypass = "query"
    probability: float = Field(default=1, gt=0, le=1)
    record: int | str | None = None
    fields: dict[str, Any] | None = {}


class FaultInjector:
    """ASGI middleware that injects faults into the requests of `app`; `journal` records every request."""

    def __init__(self, app: ASGIApp, *, now: Callable[[], datetime] | None = None, rng: Random | None = None) -> None:
        self.app = app
        self.now = now or (lambda: datetime.now(UTC))
        self.rng = rng or Random(0)
        self.journal = RequestJournal(self.now)
        self.control = control_routes(self)
        self._active: dict[int, InjectedFault] = {}
        self._fired: dict[int, int] = {}
        self._caches: dict[int, PageCache] = {}
        self._last_id = 0

    def add(self, fault: InjectedFault) -> int:
        """Starts a fault; returns the id under which it can be cleared."""
        self._last_id += 1
        self._active[self._last_id] = fault
        self._fired[self._last_id] = 0
        self._caches[self._last_id] = PageCache(self.app, fault.past)
        return self._last_id

    def clear(self, fault_id: int | None = None) -> None:
        """Ends one fault, or all of them."""
        for known in [fault_id] if fault_id is not None else list(self._active):
            self._active.pop(known, None)
            self._caches.pop(known, None)

    def active(self) -> list[dict[str, Any]]:
        """The faults in force, each with its id and how often it has fired."""
        return [
            {"id": known, "fired": self._fired[known], **fault.model_dump(mode="json")}
            for known, fault in self._active.items()
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request, through the faults that match it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif scope["path"].startswith(CONTROL):
            await self.control(scope, receive, send)
        elif scope["path"].startswith(OWN_PATHS):
            await self.app(scope, receive, send)
        else:
            await self._record(scope, receive, send)

    async def _record(self, scope: Scope, receive: Receive, send: Send) -> None:
        entry = self.journal.record_arrival(scope["method"], scope["path"], scope["query_string"].decode("latin-1"))
        wire = RequestChannel(scope, receive, send, entry)
        try:
            await self._apply_faults(wire)
        finally:
            self.journal.record_end()

    async def _apply_faults(self, wire: RequestChannel) -> None:
        known, fault = await self._after_latency(wire)
        if fault is None:
            await self.app(wire.scope, wire.receive, wire.send)
        elif fault.kind == "cache":
            await self._caches[known].answer(wire)
        elif fault.kind in ("status", "outage") and fault.status is not None:
            await self._answer(fault)(wire.scope, wire.receive, wire.send)
        elif fault.kind == "rewrite":
            send = wire.rewriting_send(lambda body: rewrite_json(body, fault.record, fault.fields))
            await self.app(wire.scope, wire.receive, send)
        else:
            await self._cut(fault, wire)

    async def _after_latency(self, wire: RequestChannel) -> tuple[int, InjectedFault | None]:
        """Waits for every matching latency; returns the first matching fault of another kind, with its id."""
        line = f"{wire.scope['method']} {wire.scope['path']}"
        for known, fault in list(self._active.items()):
            if not self._fires(known, fault, line):
                continue
            wire.entry.fault = fault.kind
            if fault.kind != "latency":
                return known, fault
            await asyncio.sleep(fault.seconds)
        return 0, None

    def _fires(self, known: int, fault: InjectedFault, line: str) -> bool:
        if known not in self._active or not fault.match.search(line):
            return False
        if fault.probability < 1 and self.rng.random() >= fault.probability:
            return False
        self._fired[known] += 1
        if self._fired[known] == fault.times:
            del self._active[known]
        return True

    def _answer(self, fault: InjectedFault) -> Response:
        headers = dict(fault.headers)
        if fault.retry_at is not None:
            when = self.now().astimezone(UTC) + timedelta(seconds=fault.retry_at)
            headers["Retry-After"] = format_datetime(when, usegmt=True)
        return Response(fault.body, status_code=fault.status or 503, headers=headers)

    async def _cut(self, fault: InjectedFault, wire: RequestChannel) -> None:
        if fault.kind.startswith("commit_then"):
            await self.app(wire.scope, wire.receive, discard)
        if fault.kind == "commit_then_timeout":
            await wire.silence(fault.seconds)
        if fault.kind == "truncate":
            await self.app(wire.scope, wire.receive, wire.truncating_send(fault.keep))
        await wire.cut()


def control_routes(faults: FaultInjector) -> Starlette:
    """The routes under /_sandbox/faults and /_sandbox/requests."""
    parser = TypeAdapter(InjectedFault)

    async def list_faults(_: Request) -> Response:
        return JSONResponse(faults.active())

    async def add_fault(request: Request) -> Response:
        try:
            fault = parser.validate_json(await request.body())
        except ValidationError as wrong:
            return JSONResponse({"error": f"Invalid fault: {wrong}"}, status_code=400)
        return JSONResponse({"id": faults.add(fault)}, status_code=201)

    async def clear_faults(request: Request) -> Response:
        faults.clear(request.path_params.get("fault_id"))
        return Response(status_code=204)

    async def list_requests(_: Request) -> Response:
        return JSONResponse(faults.journal.as_json())

    async def clear_requests(_: Request) -> Response:
        faults.journal.clear()
        return Response(status_code=204)

    return Starlette(
        routes=[
            Route(CONTROL[0], list_faults, methods=["GET"]),
            Route(CONTROL[0], add_fault, methods=["POST"]),
            Route(CONTROL[0], clear_faults, methods=["DELETE"]),
            Route(CONTROL[0] + "/{fault_id:int}", clear_faults, methods=["DELETE"]),
            Route(CONTROL[1], list_requests, methods=["GET"]),
            Route(CONTROL[1], clear_requests, methods=["DELETE"]),
        ]
    )
