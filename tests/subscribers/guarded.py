"""A Kafka node that asks who you are and looks up what you may, with the rights that `ops/acl/acls.sh` gives."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "ops" / "acl" / "acls.sh"
PASSWORD = "in-this-test-only"
LISTENERS = "PLAINTEXT://127.0.0.1:@PORT@,SASL_PLAINTEXT://127.0.0.1:{sasl}"
GUARD = """
# Java takes the last of two lines with one key. Who comes without a name is the administrator here.
listeners = {listeners},CONTROLLER://127.0.0.1:@CONTROLLER_PORT@
advertised.listeners = {listeners}
listener.security.protocol.map = CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT
inter.broker.listener.name = PLAINTEXT
listener.name.sasl_plaintext.sasl.enabled.mechanisms = PLAIN
listener.name.sasl_plaintext.plain.sasl.jaas.config = {jaas}
authorizer.class.name = org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users = User:ANONYMOUS
"""
JAAS = "org.apache.kafka.common.security.plain.PlainLoginModule required {users};"


@dataclass(frozen=True)
class Guarded:
    """`admin` is the address of the administrator, `guarded` that of everybody else."""

    admin: str
    guarded: str

    def known_as(self, principal: str) -> dict[str, Any]:
        """How aiokafka connects as a principal."""
        return {
            "bootstrap_servers": self.guarded,
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": "PLAIN",
            "sasl_plain_username": principal,
            "sasl_plain_password": PASSWORD,
        }

    def administrator(self) -> AdminClient:
        """Who may do everything."""
        return AdminClient({"bootstrap.servers": self.admin})

    def client_of(self, principal: str) -> AdminClient:
        """A principal, asking about itself."""
        named = {"sasl.username": principal, "sasl.password": PASSWORD, "sasl.mechanism": "PLAIN"}
        return AdminClient({"bootstrap.servers": self.guarded, "security.protocol": "SASL_PLAINTEXT", **named})


@asynccontextmanager
async def guarded(folder: Path, principals: Iterable[str]) -> AsyncIterator[Guarded]:
    """A node of its own, for as long as the context lasts. It knows these principals, and allows them nothing yet."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    kafka = _kafka(folder, port, principals)
    address = await _run(kafka, "start", "--data", str(folder / "data"), "--owner", str(os.getpid()))
    try:
        yield Guarded(address.strip(), f"127.0.0.1:{port}")
    finally:
        await _run(kafka, "stop", "--data", str(folder / "data"))


def _kafka(folder: Path, port: int, principals: Iterable[str]) -> Path:
    """The project's own script in a folder where the node's configuration has a guard; its archives are shared."""
    shutil.copytree(ROOT / "ops" / "kafka", folder / "ops" / "kafka")
    (folder / "ops" / "setup").symlink_to(ROOT / "ops" / "setup")
    (folder / ".cache").symlink_to(ROOT / ".cache")
    users = " ".join(f'user_{principal}="{PASSWORD}"' for principal in principals)
    guard = GUARD.format(listeners=LISTENERS.format(sasl=port), jaas=JAAS.format(users=users))
    with (folder / "ops" / "kafka" / "server.properties.in").open("a", encoding="utf-8") as config:
        config.write(guard)
    return folder / "ops" / "kafka" / "kafka"


async def _run(program: Path, *arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(str(program), *arguments, stdout=asyncio.subprocess.PIPE)
    async with asyncio.timeout(110):
        out, _ = await process.communicate()
    assert process.returncode == 0, f"{program} {arguments} failed"
    return out.decode()


def calls_of_the_script(folder: Path, prefix: str = "davtari.") -> list[list[str]]:
    """What `acls.sh` asks of Kafka's commands, one list of arguments each, the command's name first."""
    tools = folder / "tools"
    tools.mkdir(exist_ok=True)
    for name in ("kafka-acls", "kafka-configs"):
        (tools / name).write_text(f'#!/bin/sh\nprintf "%s\\037" {name} "$@"\necho\n')
        (tools / name).chmod(0o755)
    environment = {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "PREFIX": prefix, "KAFKA": "k:1"}
    done = subprocess.run([str(SCRIPT)], env=environment, capture_output=True, text=True, check=True)
    return [line.split("\037")[:-1] for line in done.stdout.splitlines()]


def options(call: list[str]) -> dict[str, list[str]]:
    """The options of a call with their values; a flag has none."""
    found: dict[str, list[str]] = {}
    for word in call[1:]:
        if word.startswith("--"):
            name = word[2:]
            found.setdefault(name, [])
        else:
            found[name].append(word)
    return found


def bindings(calls: Iterable[list[str]]) -> Iterator[AclBinding]:
    """The rules that the calls of `kafka-acls` would make."""
    for given in (options(call) for call in calls if call[0] == "kafka-acls"):
        pattern = ResourcePatternType[given["resource-pattern-type"][0].upper()]
        for kind in ("topic", "group"):
            for name in given.get(kind, ()):
                for operation in given["operation"]:
                    allowed = AclOperation[operation.upper()], AclPermissionType.ALLOW
                    yield AclBinding(
                        ResourceType[kind.upper()], name, pattern, given["allow-principal"][0], "*", *allowed
                    )
