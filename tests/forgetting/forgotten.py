"""What the tests of forgetting share: the command, how a service carries it out, and a look into its file."""

from __future__ import annotations

from pathlib import Path

from contracts.operations import CommandSettled
from contracts.privacy import ForgetRequested
from contracts.shop import Person
from services.engine.privacy.forgetting import carry_out_requests
from tests.outbox.bench import Bench
from tests.outbox.shelf import record
from tests.support.exporting import PERSONAL_ID, PLACED, buyer

WORDS = ("სატესტო", "ნიმუშის", "nino@example.test", "995599000001", PERSONAL_ID)
"""What only the buyer is called and reached by."""


def known(**fields: object) -> Person:
    """The buyer, by a personal number too."""
    return buyer(personal_id=PERSONAL_ID, **fields)


def forget(ref: str = "p-1", command_id: str = "forget-1", *, dry_run: bool = False) -> ForgetRequested:
    """A person asks to forget a person."""
    return ForgetRequested(
        command_id=command_id, asked_by="nino", asked_at=PLACED, person_ref=ref, why="asked for", dry_run=dry_run
    )


async def carried_out(bench: Bench, command: ForgetRequested) -> CommandSettled:
    """The service's answer."""
    await bench.take(record(command))
    assert await carry_out_requests(bench.engine) == 1
    answers = [each for each in await bench.said(CommandSettled) if each.command_id == command.command_id]
    assert len(answers) == 1
    return answers[0]


def named_in(folder: Path) -> set[str]:
    """Which of the words are anywhere in the bytes of a folder's files."""
    raw = b"".join(file.read_bytes() for file in folder.iterdir())
    return {word for word in WORDS if word.encode() in raw}
