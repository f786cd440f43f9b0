"""Commands that a person gives on a page: sent, noted in the audit log, and followed on the same page."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from aiokafka.errors import KafkaError
from starlette.responses import Response

from contracts.operations import Command
from services.console.access.audit import write_audit
from services.console.access.submissions import find_submission
from services.console.pages.errors import AlreadySubmitted, command_not_sent, no_signing_key
from services.console.pages.forms import Form
from services.console.pages.visit import Visit, redirect
from services.console.queries.commands import CommandResult, read_command
from services.settings.base import SecretMissing

PATIENCE = 15.0
"""Seconds until Kafka must have taken a command."""
MakeCommand = Callable[[dict[str, Any]], Command]
"""Makes a command from its header: its id, who gives it, and when."""


@dataclass(frozen=True, slots=True)
class AuditedCommand:
    """A command as the audit log names it."""

    action: str
    subject: str
    reason: str = ""


async def issue_command(visit: Visit, form: Form, make: MakeCommand, given: AuditedCommand, page: str) -> Response:
    """Send a command and show its progress on `page`. Raises `PageError` if Kafka does not take it.

    Its id comes from the form, so a form that is sent twice is one command.
    """
    async with visit.site.access.read() as connection:
        if (before := await find_submission(connection, form.id)) is not None:
            raise AlreadySubmitted(before)
    id_ = str(uuid5(NAMESPACE_URL, form.id))
    command = make({"command_id": id_, "asked_by": visit.person.name, "asked_at": visit.now})
    await _send(visit, command)
    location = f"{page}?command={id_}"
    async with visit.carry_out(form, location) as connection:
        await write_audit(
            connection, visit.now, visit.person.name, given.action, given.subject, given.reason, result="done"
        )
    return redirect(location)


async def _send(visit: Visit, command: Command) -> None:
    send = visit.site.issue
    assert send is not None, "pages show no form without a way to send commands"
    try:
        async with asyncio.timeout(PATIENCE):
            await send(command, visit.person.name)
    except SecretMissing as error:
        raise no_signing_key(str(error)) from error
    except (KafkaError, TimeoutError, OSError) as error:
        raise command_not_sent() from error


async def read_progress(visit: Visit) -> CommandResult | None:
    """The command that the address names, as far as it is known; None without one."""
    id_ = visit.request.query_params.get("command", "")[:64]
    if not id_:
        return None
    async with visit.read_model() as connection:
        return await read_command(connection, id_)
