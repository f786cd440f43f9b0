"""A stream of server-sent events: one for each change of the position, at most a few in a second."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from fastapi import APIRouter, Header, Request
from starlette.responses import Response, StreamingResponse

from services.console.api.answers import AsOf, read_as_of
from services.console.api.callers import FigureReader, given_token, identify
from services.console.api.change_feed import FeedFull
from services.console.api.context import ApiContext, context_of
from services.console.api.problems import ApiProblem, ProblemCode
from services.console.api.routes import RETRY_SECONDS, ApiRoute

router = APIRouter(prefix="/v1", tags=["changes"], route_class=ApiRoute)
MEDIA_TYPE = "text/event-stream"
PAUSE = 0.5
"""Seconds after an event until the next one: changes in between are reported together."""
SILENCE = 15.0
"""Seconds without an event after which a comment shows that the connection is alive, and the token is checked."""
EVENTS: dict[int | str, dict[str, Any]] = {
    200: {"description": "Events `change`; their data is an `as_of`.", "content": {MEDIA_TYPE: {}}}
}


@router.get("/changes", response_class=Response, responses=EVENTS, summary="Follow changes")
async def follow_changes(
    request: Request, caller: FigureReader, last_event_id: str | None = Header(default=None, max_length=200)
) -> Response:
    """Server-sent events: the position after each change. Read what is shown again with its ETag.

    The id of an event is the position; with `Last-Event-ID` a change since then is reported at once. The stream ends
    when the token does.
    """
    context = context_of(request)
    if context.feed.is_full:
        headers = {"retry-after": str(RETRY_SECONDS)}
        raise ApiProblem(ProblemCode.TOO_MANY_STREAMS, "all streams are in use", headers=headers)
    return StreamingResponse(stream_changes(context, given_token(request), last_event_id), media_type=MEDIA_TYPE)


async def stream_changes(context: ApiContext, token: str, last: str | None) -> AsyncIterator[str]:
    """The events. It ends when the service stops, when the token is no longer valid, or when there are too many."""
    with suppress(FeedFull, ApiProblem), context.feed.follow() as changed:
        while not context.feed.is_closed:
            changed.clear()
            as_of = await _read(context)
            yield _event(as_of) if str(as_of.position) != last else ": \n\n"
            last = str(as_of.position)
            await asyncio.sleep(PAUSE)
            await _wait(changed)
            await identify(context, token)


async def _read(context: ApiContext) -> AsOf:
    async with context.open_view() as connection:
        return await read_as_of(connection, context)


def _event(as_of: AsOf) -> str:
    return f"id: {as_of.position}\nevent: change\ndata: {as_of.model_dump_json()}\n\n"


async def _wait(changed: asyncio.Event) -> None:
    """Return after a change, or after a while without one."""
    with suppress(TimeoutError):
        async with asyncio.timeout(SILENCE):
            await changed.wait()
