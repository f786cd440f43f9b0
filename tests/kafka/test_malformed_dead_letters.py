"""A dead letter that cannot be read does not hide the others, and the command says that it was left out."""

from __future__ import annotations

import asyncio
import json

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from contracts.operations import Command
from contracts.sample import Sample, samples
from services.cli.command import command
from services.cli.dead_letter_log import read_dead_letters
from services.cli.screen import console
from tests.kafka.topics import DEAD_LETTERS, Topics
from tests.support.exporting import settings

pytestmark = pytest.mark.kafka
COMMANDS = Command.TOPIC
SOUND = next(sample for sample in samples() if sample.name == "DeadLettered.v1.record")


async def put_with_record(topics: Topics, dead_letter: str, **changed: object) -> None:
    """Publish a dead letter whose failed record has these fields."""
    sample = Sample(
        SOUND.name,
        SOUND.topic,
        SOUND.key,
        SOUND.headers | {"ce_subject": dead_letter},
        SOUND.value | {"dead_letter": dead_letter, "record": SOUND.value["record"] | changed},
    )
    await topics.put(DEAD_LETTERS, b"k", json.dumps(sample.value).encode(), sample.raw_headers())


async def list_dead_letters(topics: Topics) -> Result:
    """Run a command that prints the ids of all dead letters."""
    app = typer.Typer()

    @app.command()
    @command
    async def list_ids() -> int:
        for one in await read_dead_letters(settings().model_copy(update={"kafka": topics.settings})):
            console.print(one)
        return 0

    return await asyncio.to_thread(CliRunner().invoke, app)


@pytest.mark.parametrize(
    "changed", [{"key": "x"}, {"value": "é"}, {"headers": [["ce_id", "x"]]}, {"headers": 7}, {"offset": 2**70}]
)
async def test_a_malformed_dead_letter_is_left_out_and_named(topics: Topics, changed: dict[str, object]) -> None:
    await topics.create(DEAD_LETTERS, COMMANDS)
    await put_with_record(topics, "malformed", **changed)
    await put_with_record(topics, "sound")
    result = await list_dead_letters(topics)
    assert (result.exit_code, result.stdout) == (0, "sound\n")
    assert "1 record was left out as unreadable:" in result.stderr
    assert (
        f"record {topics.settings.topic_prefix}dead-letters/0/0: record.invalid-data: field `record." in result.stderr
    )
