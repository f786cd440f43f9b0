"""Answers with a page of a list, or with one thing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.api.answers import Answer, read_as_of, reply, text_context
from services.console.api.context import context_of
from services.console.api.parameters import ListParameters
from services.console.api.problems import ApiProblem, ProblemCode
from services.console.api.routes import link_to_next
from services.console.queries.page import ResultPage

ReadPage = Callable[[AsyncConnection, str | None], Awaitable[ResultPage[Any]]]
"""Reads the page behind a cursor."""
ReadContent = Callable[[AsyncConnection], Awaitable[dict[str, Any] | None]]
"""Reads the fields of an answer; None if what was asked for is not known."""


async def reply_page(
    request: Request, wanted: ListParameters, answer: type[Answer], name: str, read: ReadPage
) -> Response:
    """Answer with a page of the list that is the field `name` of the answer. Raises `InvalidCursor`."""
    context, place = context_of(request), (request.url.path, wanted.filters())
    after = context.cursors.open(wanted.after, *place)
    async with context.open_view() as connection:
        as_of = await read_as_of(connection, context)
        page = await read(connection, after)
    following = context.cursors.sign(page.next, *place)
    content = {"as_of": as_of, name: page.items, "next": following}
    made = answer.model_validate(content, context=text_context(request))
    return reply(request, made, **link_to_next(request, following))


async def reply_content(request: Request, answer: type[Answer], read: ReadContent) -> Response:
    """Answer with what `read` finds. Raises `ApiProblem` if it finds nothing."""
    context = context_of(request)
    async with context.open_view() as connection:
        as_of = await read_as_of(connection, context)
        content = await read(connection)
    if content is None:
        raise ApiProblem(ProblemCode.UNKNOWN_RESOURCE, "nothing is known under this address")
    made = answer.model_validate({"as_of": as_of, **content}, context=text_context(request))
    return reply(request, made)
