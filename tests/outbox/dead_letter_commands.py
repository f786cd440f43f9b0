"""A dead letter of the sample service, and the commands of people about it."""

from __future__ import annotations

from typing import Any

from contracts.operations import CommandSettled, DeadLettered, DiscardRequested, EditRequested, ReplayRequested
from contracts.reasons import Reason
from services.engine.kafka.record import Record
from services.engine.outbox.outcome import Refused
from tests.outbox.bench import Bench
from tests.outbox.sample_service import NOW, record, stock

NO = Refused(Reason.SHOP_REFUSED, "no")


def replay(dead_letter: str, command: str = "c1") -> Record:
    """The command to replay a dead letter."""
    return record(ReplayRequested(command_id=command, asked_by="nino", asked_at=NOW, dead_letter=dead_letter))


def discard(dead_letter: str, command: str = "d1") -> Record:
    """The command to discard a dead letter."""
    return record(
        DiscardRequested(command_id=command, asked_by="nino", asked_at=NOW, dead_letter=dead_letter, why="sold by hand")
    )


def edit(
    dead_letter: str, payload: dict[str, Any], replacement: str = "availability:a~1", command: str = "e1"
) -> Record:
    """The command to send another payload instead of a refused one."""
    asked = {"command_id": command, "asked_by": "nino", "asked_at": NOW, "dead_letter": dead_letter, "why": "a typo"}
    return record(EditRequested(**asked, replacement=replacement, changed=("/quantity",), payload=payload))


async def command_outcomes(bench: Bench) -> list[tuple[str, str]]:
    """The outcomes of commands: (command, outcome)."""
    return [(answer.command_id, answer.outcome) for answer in await bench.events_of(CommandSettled)]


async def refuse_delivery(bench: Bench) -> DeadLettered:
    """Have the delivery of item a refused upstream; returns its dead letter."""
    await bench.take(record(stock("a")))
    await bench.settle((await bench.due())[0], NO)
    return (await bench.dead_letters())[0]
