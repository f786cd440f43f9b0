"""A Kafka that cannot be used: each cause has its message, and the command or the settings keys that fix it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from services.demo.kafka import Broker
from services.engine.client.commands import open_answers
from services.engine.client.reader import read_events
from services.engine.kafka.availability import KafkaUnreachable, TopicsMissing
from services.engine.kafka.connection import open_admin
from services.settings.kafka import KafkaSettings
from tests.support.signing import with_keys


def refusing() -> str:
    """An address without a listener."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


@asynccontextmanager
async def web_server() -> AsyncIterator[str]:
    """A server that is not Kafka."""

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def connected(at: str, folder: Path, **more: Any) -> None:
    (folder / "password").write_text("secret", encoding="utf-8")
    signed = {"user_name": "davtari", "password_file": folder / "password"} if "SASL" in str(more) else {}
    async with open_admin(KafkaSettings(bootstrap_servers=at, **signed, **more)):
        pass


@pytest.mark.parametrize("servers", ["{}", "{0}, {0}"], ids=["one server", "two servers"])
async def test_without_a_listener_the_fix_is_to_start_kafka(servers: str, tmp_path: Path) -> None:
    with pytest.raises(KafkaUnreachable) as raised:
        await connected(servers.format(refusing()), tmp_path)
    assert "Nothing listens at 127.0.0.1" in raised.value.message
    assert raised.value.fix.startswith("docker compose up --detach kafka")


async def test_an_unknown_host_is_named(tmp_path: Path) -> None:
    with pytest.raises(KafkaUnreachable, match=r"Nothing listens at kafka\.invalid:9092"):
        await connected("kafka.invalid:9092", tmp_path)


async def test_another_server_at_the_address_is_recognized(tmp_path: Path) -> None:
    async with web_server() as at:
        with pytest.raises(KafkaUnreachable, match=r"no Kafka answers there.*kafka\.security-protocol"):
            await connected(at, tmp_path)


@pytest.mark.kafka
@pytest.mark.parametrize(
    ("more", "message", "fix"),
    [
        ({"security_protocol": "SSL"}, "TLS does not work", "kafka.security-protocol"),
        ({"security_protocol": "SASL_SSL"}, "TLS does not work", "kafka.security-protocol"),
        ({"security_protocol": "SASL_PLAINTEXT"}, "does not accept user davtari", "kafka-configs"),
        ({"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "PLAIN"}, "not accept user", "password-file"),
    ],
)  # fmt: skip
async def test_a_kafka_that_refuses_a_client_is_not_reported_as_down(
    kafka: Broker, more: dict[str, Any], message: str, fix: str, tmp_path: Path
) -> None:
    with pytest.raises(KafkaUnreachable) as raised:
        await connected(kafka.bootstrap_servers, tmp_path, **more)
    assert message in raised.value.message
    assert fix in raised.value.fix
    assert "Nothing listens" not in str(raised.value)


@pytest.mark.kafka
@pytest.mark.parametrize(
    ("way", "topics"), [("read", "nobody.commands"), ("follow", "nobody.operations, nobody.balance.items")]
)
async def test_missing_topics_are_named_with_the_command_that_creates_them(
    kafka: Broker, way: str, topics: str
) -> None:
    settings = KafkaSettings(bootstrap_servers=kafka.bootstrap_servers, topic_prefix="nobody.")
    with pytest.raises(TopicsMissing) as raised:
        if way == "read":
            _ = [event async for event in read_events(with_keys(settings), ["operations", "balance.items"])]
        else:
            async with open_answers(settings, "operations", "balance.items"):
                pass
    assert f"lists no topic {topics}" in raised.value.message
    assert "davtari topics create" in raised.value.fix
