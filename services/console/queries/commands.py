"""Commands of people and their results."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.operations import CommandSettled
from services.console.model.commands import CommandRow, CommandState, commands
from services.console.model.message import StoredMessage
from services.console.queries.page import LIMIT, ResultPage, cursor_of, make_page, sort_newest_first

C = commands.c


@dataclass(frozen=True, slots=True)
class CommandResult:
    """A command with the answers of the services. `type` is empty if only an answer was read so far."""

    command_id: str
    type: str
    asked_by: str
    asked_at: datetime
    message: StoredMessage
    state: CommandState
    answers: tuple[CommandSettled, ...]


@dataclass(frozen=True, slots=True)
class CommandQuery:
    """Which commands; what is left out does not limit."""

    asked_by: str = ""
    type: str = ""
    state: str = ""


async def read_command(connection: AsyncConnection, command_id: str) -> CommandResult | None:
    """A command by its id; None until it was read from its topic."""
    body = await connection.scalar(select(C.body).where(C.key == command_id))
    return None if body is None else _result(CommandRow.model_validate_json(body))


async def list_commands(
    connection: AsyncConnection, wanted: CommandQuery, after: str | None = None, limit: int = LIMIT
) -> ResultPage[CommandResult]:
    """A page of commands, newest first. Raises `InvalidCursor`."""
    query = select(C.key, C.asked_at, C.body).where(*_conditions(wanted))
    rows = (await connection.execute(sort_newest_first(query, C.asked_at, C.key, after, limit))).all()
    return make_page(
        rows,
        limit,
        lambda row: _result(CommandRow.model_validate_json(row.body)),
        lambda row: cursor_of(row.asked_at, row.key),
    )


def _conditions(wanted: CommandQuery) -> Iterator[ColumnElement[bool]]:
    texts = ((C.asked_by, wanted.asked_by), (C.type, wanted.type), (C.state, wanted.state))
    yield from (column == text for column, text in texts if text)


def _result(row: CommandRow) -> CommandResult:
    return CommandResult(row.command_id, row.type, row.asked_by, row.asked_at, row.message, row.state, row.answers)
