"""Requests to forget a person: the command, its execution by a service, and a search of its files."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from contracts.operations import CommandSettled
from contracts.privacy import ForgetRequested
from contracts.shop import Person
from services.engine.privacy.forgetting import carry_out_requests
from tests.outbox.bench import Bench
from tests.outbox.sample_service import record
from tests.support.exporting import PERSONAL_ID, buyer
from tests.support.memory_state import NOON

ASKED = NOON + timedelta(days=30)
"""After everything that the samples contain."""
WORDS = ("სატესტო", "ნიმუშის", "nino@example.test", "995599000001", PERSONAL_ID)
"""Words that only the buyer has."""


def buyer_with_id(**fields: object) -> Person:
    """The buyer, with a personal number."""
    return buyer(personal_id=PERSONAL_ID, **fields)


def forget(ref: str = "p-1", command_id: str = "forget-1", *, dry_run: bool = False) -> ForgetRequested:
    """The command to forget a person."""
    return ForgetRequested(
        command_id=command_id, asked_by="nino", asked_at=ASKED, person_ref=ref, why="asked for", dry_run=dry_run
    )


async def execute_forget(bench: Bench, command: ForgetRequested) -> CommandSettled:
    """Execute the command in a service; returns its answer."""
    await bench.take(record(command))
    assert await carry_out_requests(bench.engine) == 1
    answers = [each for each in await bench.events_of(CommandSettled) if each.command_id == command.command_id]
    assert len(answers) == 1
    return answers[0]


def words_found_in(folder: Path) -> set[str]:
    """The words of the buyer found in the bytes of the files of a folder."""
    raw = b"".join(file.read_bytes() for file in folder.iterdir())
    return {word for word in WORDS if word.encode() in raw}
