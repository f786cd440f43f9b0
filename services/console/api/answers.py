"""Answers: the data, the position and time that it reflects, and an ETag of the data alone."""

from __future__ import annotations

from datetime import datetime
from hashlib import blake2b
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response

from contracts.model import Instant
from services.console.api.context import ApiContext
from services.console.api.languages import language_of
from services.console.model.message import StoredMessage
from services.console.queries.freshness import read_freshness
from services.settings.translation import translator

JSON = "application/json"


class AsOf(BaseModel):
    """What an answer reflects. Before everything has been read (`behind` is not 0), data may be missing."""

    position: int = Field(description="records that were read of all topics; grows until a rebuild")
    time: Instant | None = Field(description="the time of the newest event that was read")
    behind: int | None = Field(description="records that are not read yet; null while that is unknown")


class Resource(BaseModel):
    """A part of an answer, made from the attributes of what a query found."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


class Answer(BaseModel):
    """The basis of every answer."""

    as_of: AsOf


def _render(value: Any, info: ValidationInfo) -> Any:
    if isinstance(value, StoredMessage) and info.context is not None:
        return value.render(translator(info.context["language"]))
    return value


Text = Annotated[str, BeforeValidator(_render), Field(description="In the language of the answer.")]
"""A text for people."""


def text_context(request: Request) -> dict[str, Any]:
    """The validation context in which the texts of a resource are rendered."""
    return {"language": language_of(request)}


async def read_as_of(connection: AsyncConnection, context: ApiContext) -> AsOf:
    """What the answers from this view of the query database reflect."""
    found = await read_freshness(connection, context.log_ends())
    return AsOf(position=found.position, time=found.as_of, behind=found.behind)


def reply(request: Request, answer: Answer, **headers: str) -> Response:
    """The response with an answer: 304 without it if the client has the same data already."""
    data = answer.model_dump_json(exclude={"as_of"}).encode()
    tag = f'W/"{blake2b(data, digest_size=12).hexdigest()}"'
    headers = _headers(request, answer.as_of, tag) | {name.replace("_", "-"): text for name, text in headers.items()}
    if _has_already(request, tag):
        return Response(status_code=304, headers=headers)
    as_of = answer.as_of.model_dump_json().encode()
    body = b'{"as_of":' + as_of + (b"}" if data == b"{}" else b"," + data[1:])
    return Response(body, media_type=JSON, headers=headers)


def _headers(request: Request, as_of: AsOf, tag: str) -> dict[str, str]:
    return {
        "etag": tag,
        "davtari-position": str(as_of.position),
        **({"davtari-time": _iso(as_of.time)} if as_of.time else {}),
        "content-language": language_of(request),
        "vary": "Authorization, Accept-Language",
    }


def _iso(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")


def _has_already(request: Request, tag: str) -> bool:
    """Whether `If-None-Match` names this version; ETags are compared weakly (RFC 9110, 13.1.2)."""
    given = {one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")}
    return "*" in given or tag.removeprefix("W/") in given
