"""Commands of a program in the name of its token's person, and their results."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.approvals import ApprovalGiven
from contracts.operations import DiscardRequested, ReplayRequested
from services.console.access.roles import Permission
from services.console.access.tokens import Scope
from services.console.api.callers import Caller, CallerOf, FigureReader
from services.console.api.command_resources import (
    AcceptedCommand,
    ApprovalBody,
    CommandAnswer,
    CommandListParameters,
    CommandPage,
    CommandResource,
    DiscardBody,
)
from services.console.api.context import ApiContext, context_of
from services.console.api.issuing import IdempotencyKey, WantedCommand, is_accepted, issue_once
from services.console.api.lists import reply_content, reply_page
from services.console.api.problems import ApiProblem, ProblemCode
from services.console.api.routes import ApiRoute
from services.console.queries.approvals import list_approvals
from services.console.queries.commands import CommandQuery, list_commands, read_command
from services.console.queries.dead_letters import read_dead_letter
from services.console.queries.page import ResultPage

router = APIRouter(prefix="/v1", tags=["commands"], route_class=ApiRoute)
DeadLetterPath = Annotated[str, Path(alias="id", max_length=200)]
CommandPath = Annotated[str, Path(alias="id", max_length=200)]


@router.post("/dead-letters/{id}/replay", response_model=AcceptedCommand, status_code=202, summary="Replay")
async def replay_dead_letter(
    request: Request, caller: CallerOf, dead_letter: DeadLetterPath, idempotency_key: IdempotencyKey
) -> Response:
    """Have the service that failed try a dead letter again. Needs the scope `commands`."""
    caller.require(Scope.COMMANDS, Permission.RESOLVE)

    async def make(header: dict[str, Any]) -> WantedCommand:
        await _require_open(context_of(request), dead_letter)
        return WantedCommand(ReplayRequested(dead_letter=dead_letter, **header), "replay", dead_letter)

    return await issue_once(request, caller, idempotency_key, make)


@router.post("/dead-letters/{id}/discard", response_model=AcceptedCommand, status_code=202, summary="Discard")
async def discard_dead_letter(
    request: Request, caller: CallerOf, dead_letter: DeadLetterPath, idempotency_key: IdempotencyKey, body: DiscardBody
) -> Response:
    """Give a dead letter up, with the reason. Needs the scope `commands`."""
    caller.require(Scope.COMMANDS, Permission.RESOLVE)

    async def make(header: dict[str, Any]) -> WantedCommand:
        await _require_open(context_of(request), dead_letter)
        command = DiscardRequested(dead_letter=dead_letter, why=body.why, **header)
        return WantedCommand(command, "discard", dead_letter, body.why)

    return await issue_once(request, caller, idempotency_key, make)


@router.post("/approvals", response_model=AcceptedCommand, status_code=202, summary="Approve")
async def approve_document(
    request: Request, caller: CallerOf, idempotency_key: IdempotencyKey, body: ApprovalBody
) -> Response:
    """Approve a document that waits, or its whole shape. Needs the scope `commands`."""
    caller.require(Scope.COMMANDS, Permission.APPROVE)

    async def make(header: dict[str, Any]) -> WantedCommand:
        shape = await _find_shape(context_of(request), body)
        document = None if body.whole_shape else body.document
        command = ApprovalGiven(shop=body.shop, shape=shape, document=document, why=body.why, **header)
        return WantedCommand(command, "approve", document or f"{body.shop}: {shape}", body.why)

    return await issue_once(request, caller, idempotency_key, make)


async def _require_open(context: ApiContext, dead_letter: str) -> None:
    async with context.open_view() as connection:
        found = await read_dead_letter(connection, dead_letter)
    if found is None:
        raise ApiProblem(ProblemCode.UNKNOWN_RESOURCE, "no dead letter has this id")
    if found.settled is not None:
        detail = f"it was {found.summary.state} by {found.settled.by or 'Davtari'}"
        raise ApiProblem(ProblemCode.NO_LONGER_OPEN, detail)


async def _find_shape(context: ApiContext, body: ApprovalBody) -> str:
    """The shape of a document that waits. Raises `ApiProblem` if it does not."""
    async with context.open_view() as connection:
        shapes = await list_approvals(connection, body.shop)
    for shape in shapes:
        if body.document in [asked.document for asked in shape.waiting]:
            return shape.shape
    raise ApiProblem(ProblemCode.NO_LONGER_OPEN, "no document with this id waits for approval in this shop")


@router.get("/commands", response_model=CommandPage, summary="List commands")
async def show_commands(
    request: Request, caller: FigureReader, wanted: Annotated[CommandListParameters, Query()]
) -> Response:
    """The commands of all people and programs that all filters match, newest first."""
    query = CommandQuery(asked_by=wanted.asked_by, type=wanted.type, state=wanted.state or "")

    async def read(connection: AsyncConnection, after: str | None) -> ResultPage[Any]:
        return await list_commands(connection, query, after, wanted.limit)

    return await reply_page(request, wanted, CommandPage, "commands", read)


@router.get("/commands/{id}", response_model=CommandAnswer, summary="Read a command")
async def show_command(request: Request, caller: CallerOf, command_id: CommandPath) -> Response:
    """A command with the answers of the services. Needs the scope `read` or `commands`."""
    _require_command_reader(caller)

    async def read(connection: AsyncConnection) -> dict[str, Any] | None:
        if (found := await read_command(connection, command_id)) is not None:
            return {"command": found}
        is_known = await is_accepted(context_of(request), command_id)
        return {"command": CommandResource(command_id=command_id)} if is_known else None

    return await reply_content(request, CommandAnswer, read)


def _require_command_reader(caller: Caller) -> None:
    scope = Scope.COMMANDS if Scope.COMMANDS in caller.token.scopes else Scope.READ
    caller.require(scope, Permission.SEE_FIGURES)
