"""`davtari topics create`."""

from __future__ import annotations

from typing import Annotated

import typer

from services.cli.command import FAILED, command, read_settings
from services.cli.screen import console
from services.engine.kafka.connection import open_admin
from services.engine.kafka.topics import create_topics, find_topic_faults, fix_topic_configs
from services.settings.kafka import KafkaSettings

app = typer.Typer(no_args_is_help=True, help="Create the Kafka topics and check their configuration.")


@app.command(name="create")
@command
async def topics_create(
    fix: Annotated[bool, typer.Option("--fix", help="Correct the configuration of topics, such as retention.")] = False,
) -> int:
    """Create missing topics, and report those whose configuration differs."""
    return await create_and_check_topics(read_settings().kafka, fix=fix)


async def create_and_check_topics(settings: KafkaSettings, *, fix: bool) -> int:
    """Create missing topics and, with `fix`, correct configurations. Returns exit code 1 if one is still wrong."""
    created = await create_topics(settings)
    _print(f"{len(created)} topics created" + (f": {', '.join(created)}" if created else "; all existed already"))
    changed = await fix_topic_configs(settings) if fix else []
    for line in changed:
        _print(f"changed {line}")
    fixed = {line.partition(":")[0] for line in changed}  # Kafka reports a change only after a moment
    async with open_admin(settings) as admin:
        faults = await find_topic_faults(admin, settings)
    left = [fault for fault in faults if fault.topic not in fixed or fault.kind == "partitions"]
    for fault in left:
        _print(f"{fault.message}\n    {fault.fix}")
    return FAILED if any(fault.kind == "config" for fault in left) else 0


def _print(text: str) -> None:
    console.print_lines(text)
