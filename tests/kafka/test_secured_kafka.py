"""Kafka with SASL and TLS: every client connects with the settings, or reports what to check."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from contracts.envelope import headers, value, wrap
from contracts.operations import CommandSettled, ReplayRequested
from services.engine.client.commands import issue, open_answers, wait_for_settlement
from services.engine.client.reader import read_events
from services.engine.kafka.availability import KafkaUnreachable
from services.engine.kafka.connection import create_producer, open_admin, read_last_offsets
from services.engine.kafka.consumer import Consumer
from services.engine.kafka.record import Record
from services.engine.kafka.topics import create_topics
from services.settings.kafka import KafkaSettings
from tests.kafka.secured_broker import USER, Secured, is_available, run_secured_broker
from tests.kafka.topics import eventually
from tests.support.signing import with_keys

pytestmark = [
    pytest.mark.long,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.xdist_group("secured-kafka"),
    pytest.mark.skipif(not is_available(), reason="needs Kafka's archives: ops/kafka/kafka jars"),
]
NOW = datetime(2026, 3, 2, tzinfo=UTC)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def secured(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Secured]:
    async with run_secured_broker(tmp_path_factory.mktemp("secured")) as made:
        yield made


def settings(secured: Secured, way: str, **other: Any) -> KafkaSettings:
    """The settings of one kind of access."""
    folder = secured.folder
    signed_in: dict[str, Any] = {"user_name": USER, "password_file": folder / "password"}
    tls: dict[str, Any] = {"ca_file": folder / "ca.pem"}
    ways: dict[str, dict[str, Any]] = {
        "SCRAM-SHA-512": {"security_protocol": "SASL_SSL", "bootstrap_servers": secured.scram, **signed_in, **tls},
        "PLAIN": {"security_protocol": "SASL_PLAINTEXT", "bootstrap_servers": secured.plain, **signed_in},
        "certificate": {"security_protocol": "SSL", "bootstrap_servers": secured.mutual, **tls},
    }
    ways["SCRAM-SHA-256"] = ways["SCRAM-SHA-512"] | {"sasl_mechanism": "SCRAM-SHA-256"}
    ways["PLAIN"] |= {"sasl_mechanism": "PLAIN"}
    ways["certificate"] |= {"certificate_file": folder / "client.pem"}
    return KafkaSettings(topic_prefix=f"s{uuid4().hex[:8]}.", **(ways[way] | other))


@pytest.mark.parametrize("way", ["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN", "certificate"])
async def test_every_client_connects(secured: Secured, way: str) -> None:
    # given a Kafka that requires authentication
    kafka = settings(secured, way)
    taken: list[Record] = []

    async def take(records: Any) -> None:
        taken.extend(records)

    async with asyncio.timeout(60):
        # when topics are created, a command is sent and answered, and a service reads it
        assert await create_topics(kafka)
        consumer = Consumer(kafka, ["commands", "operations"], f"{kafka.topic_prefix}sample.1", "sample", take, {})
        await consumer.start()
        command = ReplayRequested(command_id="c1", asked_by="nino", asked_at=NOW, dead_letter="x")
        answer = CommandSettled(command_id="c1", service="s", outcome="done", detail="", settled_at=NOW)
        async with open_answers(kafka, "operations") as reader:
            await issue(with_keys(kafka), command, asked_by="nino")
            await state(kafka, answer)
            assert await wait_for_settlement(reader, "c1") == answer
        # then all clients have read both
        assert len([message async for message in read_events(with_keys(kafka), ["commands", "operations"])]) == 2
        await eventually(lambda: _are(taken, 2), "the service has read both")
        assert set((await read_last_offsets(kafka, consumer.kafka.assignment())).values()) == {1}
        await consumer.stop()


async def state(kafka: KafkaSettings, event: CommandSettled) -> None:
    """Publish what a service states."""
    envelope = wrap(event, version=1, source="s", time=NOW)
    async with create_producer(kafka, "s") as sender:
        topic, key = kafka.topic_prefix + event.TOPIC, event.key.encode()
        await sender.send_and_wait(topic, value=value(envelope), key=key, headers=headers(envelope))


async def _are(taken: list[Record], count: int) -> bool:
    return len(taken) == count


WRONG: dict[str, tuple[str, dict[str, Any], str]] = {
    "a wrong password": ("SCRAM-SHA-512", {"password_file": "wrong-password"}, "kafka.password-file"),
    "another authority": ("SCRAM-SHA-512", {"ca_file": "other-ca.pem"}, "kafka.ca-file"),
    "no certificate of ours": ("certificate", {"certificate_file": None}, "kafka.bootstrap-servers"),
    "no TLS": ("PLAIN", {"security_protocol": "SASL_SSL"}, "kafka.security-protocol"),
}


@pytest.mark.parametrize("name", WRONG)
async def test_a_refused_client_reports_what_to_check(secured: Secured, name: str) -> None:
    way, wrong, key = WRONG[name]
    files = {k: secured.folder / v if isinstance(v, str) and k.endswith("file") else v for k, v in wrong.items()}
    with pytest.raises(KafkaUnreachable, match=key.replace(".", r"\.")) as raised:
        async with open_admin(settings(secured, way, **files)):
            pass
    assert "wrong" not in str(raised.value).split("Check")[0]


BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "SASL without a user": ({"security_protocol": "SASL_SSL"}, "needs user-name and password-file"),
    "a user without SASL": ({"user_name": "x", "password_file": Path("x")}, "need security-protocol"),
    "a certificate without TLS": ({"ca_file": Path("x")}, "ca-file need security-protocol"),
    "a key without a certificate": ({"security_protocol": "SSL", "key_file": Path("x")}, "need certificate-file"),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_contradictory_settings_are_refused(name: str) -> None:
    values, message = BROKEN[name]
    with pytest.raises(ValueError, match=message):
        KafkaSettings(**values)
