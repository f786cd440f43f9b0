"""Dead letters: their groups, a filtered list, and everything about one."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.model import BEYOND, ShopId
from contracts.reason_texts import Owner, ReasonText, find_text
from services.console.api.callers import FigureReader, reveal_people
from services.console.api.context import context_of
from services.console.api.dead_letter_resources import DeadLetterDetailAnswer, DeadLetterGroups, DeadLetterPage
from services.console.api.languages import language_of
from services.console.api.lists import reply_content, reply_page
from services.console.api.orders import PeopleFlag
from services.console.api.parameters import ListParameters, Parameters, Word
from services.console.api.routes import ApiRoute
from services.console.queries.dead_letters import (
    DeadLetterDetail,
    DeadLetterQuery,
    list_dead_letters,
    list_groups,
    read_dead_letter,
)
from services.console.queries.page import ResultPage
from services.settings.translation import translate_reason

router = APIRouter(prefix="/v1", tags=["dead letters"], route_class=ApiRoute)


class GroupParameters(Parameters):
    """Parameters of the groups."""

    owner: Annotated[Owner | None, Field(description="only what this one resolves")] = None


class DeadLetterListParameters(ListParameters):
    """Filters of the list of dead letters. `open`: null means open and closed ones."""

    open: Annotated[bool | None, Field(description="only open or only closed ones")] = None
    reason: Word = ""
    shop: ShopId | None = None
    service: Word = ""
    owner: Owner | None = None
    order_id: Annotated[int | None, Field(ge=1, lt=BEYOND)] = None
    closed_by: Word = ""

    def as_query(self) -> DeadLetterQuery:
        """What the query takes."""
        wanted = self.model_dump(exclude={"after", "limit", "owner"})
        return DeadLetterQuery(**wanted, owner=self.owner or "")


class DeadLetterParameters(Parameters):
    """Parameters of one dead letter."""

    people: PeopleFlag = False


@router.get("/dead-letter-groups", response_model=DeadLetterGroups, summary="Group open dead letters")
async def show_groups(request: Request, caller: FigureReader, wanted: Annotated[GroupParameters, Query()]) -> Response:
    """The open dead letters grouped by reason and shop, with what each reason means."""

    async def read(connection: AsyncConnection) -> dict[str, Any]:
        found = await list_groups(connection, wanted.owner or "")
        return {"groups": [{**asdict(one), "explanation": _explain(one.reason, request)} for one in found]}

    return await reply_content(request, DeadLetterGroups, read)


@router.get("/dead-letters", response_model=DeadLetterPage, summary="List dead letters")
async def show_dead_letters(
    request: Request, caller: FigureReader, wanted: Annotated[DeadLetterListParameters, Query()]
) -> Response:
    """The dead letters that all filters match, newest first; with `open=false` by the time they were closed."""

    async def read(connection: AsyncConnection, after: str | None) -> ResultPage[Any]:
        return await list_dead_letters(connection, wanted.as_query(), after, wanted.limit)

    return await reply_page(request, wanted, DeadLetterPage, "dead_letters", read)


@router.get("/dead-letters/{id}", response_model=DeadLetterDetailAnswer, summary="Read a dead letter")
async def show_dead_letter(
    request: Request,
    caller: FigureReader,
    id: Annotated[str, Path(max_length=200)],  # noqa: A002
    wanted: Annotated[DeadLetterParameters, Query()],
) -> Response:
    """Everything about one dead letter: its reason, its history, and by permission what was refused."""
    if wanted.people:
        await reveal_people(context_of(request), caller, f"dead-letter:{id}")

    async def read(connection: AsyncConnection) -> dict[str, Any] | None:
        found = await read_dead_letter(connection, id)
        return _content(found, request, people=wanted.people) if found else None

    return await reply_content(request, DeadLetterDetailAnswer, read)


def _content(found: DeadLetterDetail, request: Request, *, people: bool) -> dict[str, Any]:
    return {
        "dead_letter": found.summary,
        "explanation": _explain(found.summary.reason, request),
        "history": found.timeline,
        "delivery": found.failed.delivery if people else None,
        "record": found.failed.record if people else None,
    }


def _explain(reason: str, request: Request) -> ReasonText | None:
    text = find_text(reason)
    return translate_reason(text, language_of(request)) if text else None
