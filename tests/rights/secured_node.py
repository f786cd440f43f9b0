"""A Kafka node that asks who you are and checks what you may, with the rights that `davtari rights apply` gives."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from confluent_kafka.admin import AdminClient

from services.cli.rights.rules import all_rules
from services.cli.rights.users import ADMINISTRATOR, create_users
from services.engine.kafka.authorization import add_rules
from services.settings.kafka import KafkaSettings

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "ops" / "kafka" / "kafka"
PREFIX = "davtari."


@dataclass(frozen=True)
class SecuredNode:
    """The address of the node, and the folder with a password for each user."""

    address: str
    users: Path

    def settings_of(self, user: str) -> KafkaSettings:
        """The settings with which a user connects."""
        return KafkaSettings(
            bootstrap_servers=self.address,
            topic_prefix=PREFIX,
            security_protocol="SASL_PLAINTEXT",
            sasl_mechanism="PLAIN",
            user_name=user,
            password_file=self.users / user,
        )

    def options_of(self, user: str) -> dict[str, Any]:
        """The options of an aiokafka client of a user."""
        return {
            "bootstrap_servers": self.address,
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": "PLAIN",
            "sasl_plain_username": user,
            "sasl_plain_password": self._password(user),
        }

    def admin_of(self, user: str = ADMINISTRATOR) -> AdminClient:
        """An admin client of a user."""
        return AdminClient(self.librdkafka_options_of(user))

    def librdkafka_options_of(self, user: str) -> dict[str, Any]:
        """The options of a client of confluent-kafka of a user."""
        named = {"sasl.username": user, "sasl.password": self._password(user), "sasl.mechanism": "PLAIN"}
        return {"bootstrap.servers": self.address, "security.protocol": "SASL_PLAINTEXT", **named}

    def _password(self, user: str) -> str:
        return (self.users / user).read_text(encoding="utf-8").strip()


@asynccontextmanager
async def run_secured_node(folder: Path, *, rights: bool = True) -> AsyncIterator[SecuredNode]:
    """A node of its own, for as long as the context lasts; with `rights`, every role has its rights."""
    create_users(folder / "users")
    where = ("--data", str(folder / "data"))
    address = await _run("start", *where, "--owner", str(os.getpid()), "--secure", str(folder / "users"))
    node = SecuredNode(address.strip(), folder / "users")
    try:
        if rights:
            await add_rules(node.settings_of(ADMINISTRATOR), all_rules(PREFIX))
        yield node
    finally:
        await _run("stop", *where)


async def _run(*arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(str(SCRIPT), *arguments, stdout=asyncio.subprocess.PIPE)
    async with asyncio.timeout(110):
        out, _ = await process.communicate()
    assert process.returncode == 0, f"{SCRIPT} {arguments} failed"
    return out.decode()
