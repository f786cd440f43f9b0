"""`davtari topics create`: create missing topics, and report those that differ from the manifest."""

from __future__ import annotations

from typing import Annotated

import typer

from services.cli.command import FAILED, command, read_settings
from services.cli.screen import console
from services.engine.kafka.connection import open_admin
from services.engine.kafka.topics import create_topics, find_topic_faults, fix_topic_configs
from services.settings.kafka import KafkaSettings


async def create_and_check_topics(kafka: KafkaSettings, *, fix: bool) -> int:
    """Create missing topics; `fix`: correct the configuration of the others. Returns 1 if a topic is still wrong."""
    made = await create_topics(kafka)
    _print(f"{len(made)} topics created" + (f": {', '.join(made)}" if made else "; all existed already"))
    changed = await fix_topic_configs(kafka) if fix else []
    for line in changed:
        _print(f"changed {line}")
    done = {line.partition(":")[0] for line in changed}  # Kafka reports a change only a moment later
    async with open_admin(kafka) as client:
        faults = await find_topic_faults(client, kafka)
    left = [fault for fault in faults if fault.topic not in done or fault.kind == "partitions"]
    for fault in left:
        _print(f"{fault.message}\n    {fault.fix}")
    return FAILED if any(fault.kind == "config" for fault in left) else 0


def _print(text: str) -> None:
    console.print(text, soft_wrap=True, markup=False)


app = typer.Typer(no_args_is_help=True, help="The Kafka topics.")


@app.command(name="create")
@command
async def topics_create(
    fix: Annotated[bool, typer.Option("--fix", help="Correct retention and other settings that differ.")] = False,
) -> int:
    """Create missing topics, and report those that differ from the manifest."""
    return await create_and_check_topics(read_settings().kafka, fix=fix)
