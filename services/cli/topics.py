"""`davtari topics create`: makes topics, and names those that are not as the manifest says."""

from __future__ import annotations

from typing import Annotated

import typer

from services.cli.command import FAILED, command, read_settings
from services.cli.screen import console
from services.engine.kafka.connection import open_admin
from services.engine.kafka.topics import create_topics, find_topic_faults, fix_topic_configs
from services.settings.kafka import KafkaSettings


async def create_and_check_topics(read_settings: KafkaSettings, *, mend: bool) -> int:
    """Make what is missing, and with `mend` set what differs; gives the exit code: 1 when something is still wrong."""
    made = await create_topics(read_settings)
    _say(f"{len(made)} topics created" + (f": {', '.join(made)}" if made else "; all were there"))
    changed = await fix_topic_configs(read_settings) if mend else []
    for line in changed:
        _say(f"changed {line}")
    done = {line.partition(":")[0] for line in changed}  # Kafka needs a moment to tell of it
    async with open_admin(read_settings) as asked:
        faults = await find_topic_faults(asked, read_settings)
    left = [fault for fault in faults if fault.topic not in done or fault.kind == "partitions"]
    for fault in left:
        _say(f"{fault.message}\n    {fault.fix}")
    return FAILED if any(fault.kind == "config" for fault in left) else 0


def _say(text: str) -> None:
    console.print(text, soft_wrap=True, markup=False)


app = typer.Typer(no_args_is_help=True, help="The Kafka topics.")


@app.command(name="create")
@command
async def topics_create(
    mend: Annotated[bool, typer.Option("--mend", help="Set retention and the like where they differ.")] = False,
) -> int:
    """Create the topics of the manifest that are missing; name those that are there and differ."""
    return await create_and_check_topics(read_settings().kafka, mend=mend)
