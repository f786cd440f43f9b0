"""Issues a command once, however often its request is repeated."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Annotated, Any
from uuid import NAMESPACE_URL, uuid5

from aiokafka.errors import KafkaError
from fastapi import Header, Request
from starlette.responses import Response

from contracts.operations import Command
from services.console.access.audit import write_audit
from services.console.access.submissions import find_submission, remember_submission
from services.console.api.callers import Caller
from services.console.api.command_resources import AcceptedCommand
from services.console.api.context import ApiContext, context_of
from services.console.api.problems import ApiProblem, ProblemCode
from services.console.api.routes import RETRY_SECONDS
from services.settings.base import SecretMissing

PATIENCE = 15.0
"""Seconds until Kafka must have taken a command."""
IdempotencyKey = Annotated[
    str,
    Header(
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="Chosen by the client, another one for each command; repeat a request with the same one.",
    ),
]


@dataclass(frozen=True, slots=True)
class WantedCommand:
    """A command, and how the audit log names it."""

    command: Command
    action: str
    subject: str
    why: str = ""


MakeWanted = Callable[[dict[str, Any]], Awaitable[WantedCommand]]
"""Makes a command from its header (its id, who gives it, and when), after it was checked that it makes sense now."""


async def issue_once(request: Request, caller: Caller, key: str, make: MakeWanted) -> Response:
    """Issue a command, or find that a request with this key issued it. Returns 202 with the address of its result.

    Raises `ApiProblem` if the key was used for another request, or if Kafka does not take the command.
    """
    context = context_of(request)
    id_ = str(uuid5(NAMESPACE_URL, f"{caller.token.id}:{key}"))
    location, digest = f"/api/v1/commands/{id_}", await _digest(request)
    async with context.issuing:  # of two requests with one key the second one finds what the first one has left
        if (before := await _find(context, id_)) is None:
            wanted = await make({"command_id": id_, "asked_by": caller.user.name, "asked_at": context.clock()})
            await _send(context, wanted.command, caller.user.name)
            await _remember(context, caller, wanted, f"{location}#{digest}")
        elif before != f"{location}#{digest}":
            raise ApiProblem(ProblemCode.KEY_REUSED, "another request was sent with this Idempotency-Key")
    body = AcceptedCommand(command_id=id_, url=location).model_dump_json()
    return Response(body, 202, {"location": location}, "application/json")


async def _digest(request: Request) -> str:
    """What identifies a request: its address and its body."""
    body = await request.body()
    return blake2b(request.url.path.encode() + b"\n" + body, digest_size=12).hexdigest()


async def _find(context: ApiContext, id_: str) -> str | None:
    async with context.access.read() as connection:
        return await find_submission(connection, id_)


async def is_accepted(context: ApiContext, id_: str) -> bool:
    """Whether a command was issued here; it may not have been read from its topic yet."""
    return await _find(context, id_) is not None


async def _send(context: ApiContext, command: Command, asked_by: str) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            await context.issue(command, asked_by)
    except SecretMissing as error:
        detail = "commands cannot be signed here: the console needs commands.key-file"
        raise ApiProblem(ProblemCode.COMMAND_NOT_SENT, detail) from error
    except (KafkaError, TimeoutError, OSError) as error:
        headers = {"retry-after": str(RETRY_SECONDS)}
        detail = "Kafka has not confirmed the command; repeat the request with the same Idempotency-Key"
        raise ApiProblem(ProblemCode.COMMAND_NOT_SENT, detail, headers=headers) from error


async def _remember(context: ApiContext, caller: Caller, wanted: WantedCommand, location: str) -> None:
    now, why = context.clock(), f"API token {caller.token.name}"
    async with context.access.write() as connection:
        await remember_submission(connection, wanted.command.command_id, location, now)
        await write_audit(
            connection,
            now,
            caller.user.name,
            wanted.action,
            wanted.subject,
            f"{why}: {wanted.why}" if wanted.why else why,
            result="done",
        )
