"""Which broker is taken, and why the others were passed over."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from services.demo.kafka import Broker, BrokerError, BrokerKind, BrokerUnavailable
from services.demo.kafka.broker import BrokerSource, use_named_broker
from services.demo.kafka.choice import SOURCES, kinds_to_try, open_first
from services.demo.kafka.container import node_settings, run_container

ALL: Sequence[BrokerKind] = ["given", "container", "archives"]


def source(kind: BrokerKind, missing: str | None = None, closed: list[str] | None = None) -> BrokerSource:
    """A way to a broker that is open, or is not for the reason `missing`."""

    @asynccontextmanager
    async def opened(data: Path | None) -> AsyncIterator[Broker]:
        if missing:
            raise BrokerUnavailable(missing)
        yield Broker(f"{kind}:9092", kind, f"{kind} keeping {data}")
        if closed is not None:
            closed.append(kind)

    return opened


def machine(**missing: str) -> dict[BrokerKind, BrokerSource]:
    """A machine on which all is there but what is named, with its reason."""
    return {kind: source(kind, missing.get(kind)) for kind in ALL}


def test_brokers_are_tried_in_the_documented_order() -> None:
    assert list(SOURCES) == ALL


@pytest.mark.parametrize(
    ("missing", "taken"),
    [
        ({}, "given"),
        ({"given": "not set"}, "container"),
        ({"given": "not set", "container": "no engine"}, "archives"),
    ],
)
async def test_the_best_broker_of_this_machine_is_taken(missing: dict[str, str], taken: str) -> None:
    async with open_first(ALL, machine(**missing)) as found:
        assert found.kind == taken


async def test_skipped_kinds_are_reported_with_their_reasons(capsys: pytest.CaptureFixture[str]) -> None:
    async with open_first(ALL, machine(given="not set", container="no engine answers")):
        output = capsys.readouterr().err
    assert "skipped container: no engine answers" in output
    assert "archives:9092" in output


async def test_without_any_broker_every_reason_is_listed() -> None:
    bare = machine(given="not set", container="no engine", archives="no Java")
    with pytest.raises(BrokerError, match=r"(?s)given: not set.*container: no engine.*archives: no Java"):
        async with open_first(ALL, bare):
            pytest.fail("no broker could have been opened")


async def test_an_error_of_the_user_of_the_broker_is_not_taken_for_a_missing_broker() -> None:
    closed: list[str] = []
    sources: dict[BrokerKind, BrokerSource] = {
        "archives": source("archives", closed=closed),
        "container": source("container", closed=closed),
    }
    with pytest.raises(BrokerUnavailable, match="from the body"):
        async with open_first(["archives", "container"], sources):
            raise BrokerUnavailable("from the body")


async def test_the_data_folder_reaches_the_source(tmp_path: Path) -> None:
    async with open_first(["archives"], machine(), tmp_path) as found:
        assert str(tmp_path) in found.description


@pytest.mark.parametrize(
    ("argument", "environment", "tried"),
    [
        (None, "", ALL),
        (None, "archives", ["archives"]),
        ("container", "archives", ["container"]),
    ],
)
def test_argument_and_environment_narrow_the_choice(
    argument: BrokerKind | None, environment: str, tried: list[BrokerKind]
) -> None:
    assert kinds_to_try(argument, {"DAVTARI_BROKER": environment}) == tried


def test_a_word_that_names_no_broker_is_refused_with_the_words_that_do() -> None:
    with pytest.raises(BrokerError, match=r"DAVTARI_BROKER=docker.*container.*archives"):
        kinds_to_try(None, {"DAVTARI_BROKER": "docker"})


async def test_a_named_kafka_that_is_silent_is_an_error_and_not_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    monkeypatch.setattr("services.demo.kafka.broker.ANSWER_SECONDS", 0.3)
    with pytest.raises(BrokerError, match=r"127\.0\.0\.1:1.*unset KAFKA_BOOTSTRAP_SERVERS") as raised:
        async with open_first(["given", "archives"], {"given": use_named_broker, "archives": source("archives")}):
            pytest.fail("no other broker may replace the Kafka that was named")
    assert not isinstance(raised.value, BrokerUnavailable)


async def test_without_a_docker_engine_the_container_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-engine.sock")
    with pytest.raises(BrokerUnavailable, match=r"Docker cannot run apache/kafka"):
        async with run_container(None):
            pytest.fail("there is no engine")


def test_the_container_listens_for_clients_where_it_says_and_makes_no_topics_by_itself() -> None:
    settings = node_settings(29092)
    assert settings["KAFKA_ADVERTISED_LISTENERS"] == "PLAINTEXT://127.0.0.1:29092"
    assert settings["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
