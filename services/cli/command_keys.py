"""`davtari command-keys`: the keys that sign and verify commands, and on upgrade the records from before them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aiokafka import TopicPartition

from contracts.operations import COMMANDS
from contracts.topics import BY_NAME
from services.cli.command import GlobalOptions, Json, command, read_settings
from services.cli.init.interview import write_secret
from services.cli.screen import console, print_json
from services.engine.kafka.connection import open_admin, read_last_offsets
from services.engine.kafka.signature import make_key_texts
from services.engine.kafka.topics import describe_topics
from services.settings.kafka import KafkaSettings
from services.settings.model import Settings

KEY_FILE, PUBLIC_KEY_FILE = "secrets/command-key", "secrets/command-key.pub"
"""Below the folder of the settings."""


def create_key_pair(folder: Path) -> bool:
    """Create both keys unless one exists. Returns whether they were created."""
    private, public = folder / KEY_FILE, folder / PUBLIC_KEY_FILE
    if private.exists() or public.exists():
        return False
    private_text, public_text = make_key_texts()
    write_secret(private, private_text.rstrip("\n"))
    public.write_text(public_text, encoding="ascii")
    public.chmod(0o644)
    return True


@command
async def command_keys_command(json: Json = False) -> int:
    """Create the keys that sign commands, and print the settings that are still to be added.

    On upgrade, stop the services first: what the topics hold until then counts without a signature.
    """
    chosen = read_settings()
    created = create_key_pair(GlobalOptions.settings_file.parent.absolute()) if _needs_keys(chosen) else False
    missing = await missing_settings(chosen)
    if json:
        print_json({"created": created, "settings": missing})
    else:
        console.print_lines(describe(created, missing))
    return 0


def _needs_keys(settings: Settings) -> bool:
    return settings.commands.key_file is None and settings.commands.public_key_file is None


async def missing_settings(settings: Settings) -> dict[str, Any]:
    """The settings of `[commands]` that are not there yet; `unsigned-before` only where it is needed."""
    keys = {"key-file": KEY_FILE, "public-key-file": PUBLIC_KEY_FILE} if _needs_keys(settings) else {}
    ends = {} if settings.commands.unsigned_before else await read_unsigned_ends(settings.kafka)
    return keys | ({"unsigned-before": ends} if ends else {})


async def read_unsigned_ends(settings: KafkaSettings) -> dict[str, list[int]]:
    """By topic, where each partition ends now; empty once there are signed commands, or no events at all."""
    async with open_admin(settings) as admin:
        found = await describe_topics(admin, [settings.topic_prefix + name for name in BY_NAME])
    partitions = [TopicPartition(name, number) for name, state in found.items() for number in range(state.partitions)]
    ends: defaultdict[str, list[int]] = defaultdict(list)
    for partition, end in sorted((await read_last_offsets(settings, partitions)).items() if partitions else ()):
        ends[partition.topic.removeprefix(settings.topic_prefix)].append(end)
    if any(ends.pop(COMMANDS, ())):
        return {}
    return {topic: offsets for topic, offsets in ends.items() if any(offsets)}


def describe(created: bool, missing: Mapping[str, Any]) -> str:
    """What was done, and what to add to the settings."""
    lines = [f"{KEY_FILE} and {PUBLIC_KEY_FILE} created."] if created else []
    if not missing:
        return "\n".join([*lines, "The settings have all they need under [commands]."])
    settings = [f'{name} = "{value}"' for name, value in missing.items() if isinstance(value, str)]
    lines += ["Add to the settings:", "", *(["[commands]", *settings, ""] if settings else [])]
    if ends := missing.get("unsigned-before"):
        lines += ["[commands.unsigned-before]", *[f'"{topic}" = {offsets}' for topic, offsets in ends.items()], ""]
    return "\n".join([*lines, "Only the public key belongs on machines that only run services."])
