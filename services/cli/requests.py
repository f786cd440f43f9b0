"""Requests to the services: a command is sent to Kafka, and the answer is awaited."""

from __future__ import annotations

import asyncio
import os
import pwd
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from contracts.identity import AcceptShopRequested
from contracts.operations import (
    CommandSettled,
    DiscardRequested,
    ImportRequested,
    MappingRequested,
    PaymentReceived,
    PushRequested,
    ReplayRequested,
)
from services.engine.client.commands import issue, open_answers, wait_for_settlement
from services.settings.model import Settings

AnyCommand = (
    ImportRequested
    | PushRequested
    | PaymentReceived
    | ReplayRequested
    | DiscardRequested
    | AcceptShopRequested
    | MappingRequested
)


class NoAnswer(Exception):
    """No service answered in time; the message states what to check."""


def user_name() -> str:
    """The operating system's user, which the process cannot choose: `LOGNAME` and such variables are not asked."""
    uid = os.getuid()
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # in a container with a user of its own
        return f"uid {uid}"


def command_header() -> dict[str, Any]:
    """The id, user name and time of a new command."""
    return {"command_id": str(uuid4()), "asked_by": user_name(), "asked_at": datetime.now(UTC)}


async def request(settings: Settings, command: AnyCommand, patience: float) -> CommandSettled:
    """Send a command and wait for its answer. Raises `NoAnswer` after `patience` seconds."""
    async with open_answers(settings.kafka, "operations") as consumer:
        await issue(settings, command, asked_by=user_name())
        try:
            async with asyncio.timeout(patience):
                return await wait_for_settlement(consumer, command.command_id)
        except TimeoutError:
            raise NoAnswer(
                f"No service answered within {patience:g} s. The command is kept and will be carried out. "
                "Check that the services run: davtari status, davtari up"
            ) from None
