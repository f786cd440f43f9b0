"""Dead letters of the toy service, and what people ask about them."""

from __future__ import annotations

from typing import Any

from contracts.operations import CommandSettled, DeadLettered, DiscardRequested, EditRequested, ReplayRequested
from contracts.reasons import Reason
from services.engine.kafka.record import Record
from services.engine.outbox.outcome import Refused
from tests.outbox.bench import Bench
from tests.outbox.shelf import NOW, record, stock

NO = Refused(Reason.SHOP_REFUSED, "no")


def replay(letter: str, command: str = "c1") -> Record:
    """The command to try a dead letter again."""
    return record(ReplayRequested(command_id=command, asked_by="nino", asked_at=NOW, dead_letter=letter))


def discard(letter: str, command: str = "d1") -> Record:
    """The command to give a dead letter up."""
    return record(
        DiscardRequested(command_id=command, asked_by="nino", asked_at=NOW, dead_letter=letter, why="sold by hand")
    )


def edit(letter: str, payload: dict[str, Any], replacement: str = "shelf:a~1", command: str = "e1") -> Record:
    """The command to try something else in place of a refused delivery."""
    asked = {"command_id": command, "asked_by": "nino", "asked_at": NOW, "dead_letter": letter, "why": "a typo"}
    return record(EditRequested(**asked, replacement=replacement, changed=("/quantity",), payload=payload))


async def answers(bench: Bench) -> list[tuple[str, str]]:
    """What became of commands: (command, outcome)."""
    return [(answer.command_id, answer.outcome) for answer in await bench.said(CommandSettled)]


async def refused_letter(bench: Bench) -> DeadLettered:
    """Have the stock of item a refused upstream; gives the letter."""
    await bench.take(record(stock("a")))
    await bench.settle((await bench.due())[0], NO)
    return (await bench.letters())[0]
