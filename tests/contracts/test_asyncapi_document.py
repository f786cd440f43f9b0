"""The AsyncAPI document: valid, complete, and true to the topics and events."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from jsonschema import Draft7Validator
from jsonschema.validators import validator_for

from contracts.asyncapi import COMMANDS
from contracts.generate import ASYNCAPI, HERE
from contracts.json_schema import released_name
from contracts.registry import EVENTS
from contracts.topics import TOPICS, Topic

DOCUMENT: dict[str, Any] = json.loads((HERE / ASYNCAPI).read_text(encoding="utf-8"))
MESSAGES: dict[str, Any] = DOCUMENT["components"]["messages"]
each_topic = pytest.mark.parametrize("topic", TOPICS, ids=[topic.name for topic in TOPICS])
each_message = pytest.mark.parametrize("name", sorted(MESSAGES))


@pytest.fixture(scope="module")
def official() -> Any:
    """A validator of the official schema of AsyncAPI 3.0.0. Fails when that cannot be had."""
    try:
        from tests.support.asyncapi_schema import official_schema

        schema = official_schema(version="3.0.0")
    except Exception as error:
        pytest.fail(f"the official JSON Schema of AsyncAPI 3.0.0 cannot be had, so nothing is proven: {error!r}")
    return validator_for(schema)(schema)


def resolved(pointer: str) -> Any:
    """What a `$ref` of the document points to."""
    found: Any = DOCUMENT
    for step in pointer.removeprefix("#/").split("/"):
        found = found[step]
    return found


def refs(node: Any) -> list[str]:
    """Every `$ref` below a node."""
    if isinstance(node, list):
        return [ref for part in node for ref in refs(part)]
    if not isinstance(node, dict):
        return []
    own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
    return own + [ref for part in node.values() for ref in refs(part)]


def test_the_document_is_valid_by_the_official_schema(official: Any) -> None:
    assert [f"{error.json_path}: {error.message}" for error in official.iter_errors(DOCUMENT)] == []


@pytest.mark.parametrize(
    ("where", "wrong"),
    [("info", {"title": "no version"}), ("asyncapi", "9.9.9"), ("operations", {"x": {"action": "subscribe"}})],
)
def test_the_official_schema_refuses_a_wrong_document(official: Any, where: str, wrong: Any) -> None:
    assert not official.is_valid(deepcopy(DOCUMENT) | {where: wrong})


def test_the_official_schema_knows_the_kafka_bindings(official: Any) -> None:
    wrong = deepcopy(DOCUMENT)
    wrong["channels"]["shop.orders"]["bindings"]["kafka"]["partitions"] = 0
    assert not official.is_valid(wrong)


def test_every_reference_leads_somewhere() -> None:
    assert refs(DOCUMENT)
    assert [ref for ref in refs(DOCUMENT) if not resolved(ref)] == []


@each_topic
def test_a_channel_states_partitions_and_retention_of_the_manifest(topic: Topic) -> None:
    channel = DOCUMENT["channels"][topic.name]
    binding = channel["bindings"]["kafka"]
    assert channel["address"] == binding["topic"] == f"davtari.{topic.name}"
    assert binding["partitions"] == topic.partitions
    config = binding["topicConfiguration"]
    assert config["cleanup.policy"] == [topic.cleanup]
    assert {key: str(number) for key, number in config.items()} == topic.config() | {
        "cleanup.policy": str([topic.cleanup])
    }


@each_topic
def test_a_channel_carries_the_events_of_its_topic(topic: Topic) -> None:
    carried = set(DOCUMENT["channels"][topic.name]["messages"])
    assert carried == {released_name(event) for event in EVENTS if topic.name == event.TOPIC}
    assert carried


@each_message
def test_a_message_names_its_key_headers_and_correlation(name: str) -> None:
    message = MESSAGES[name]
    assert message["name"] == f"davtari.{name}"
    assert message["bindings"]["kafka"]["key"]["description"]
    assert message["headers"]["properties"]["ce_type"]["const"] == message["name"]
    assert resolved(message["correlationId"]["$ref"])["location"] == "$message.header#/ce_correlationid"


@each_message
def test_the_examples_of_a_message_fit_its_own_schemas(name: str) -> None:
    message = MESSAGES[name]
    assert message["examples"]
    for example in message["examples"]:
        for part in ("payload", "headers"):
            rule = {"allOf": [message[part]], "components": DOCUMENT["components"]}
            Draft7Validator(rule, format_checker=Draft7Validator.FORMAT_CHECKER).validate(example[part])


def test_davtari_sends_facts_and_receives_commands() -> None:
    received = {ref for name, operation in DOCUMENT["operations"].items() for ref in _messages(operation, "receive")}
    sent = {ref for name, operation in DOCUMENT["operations"].items() for ref in _messages(operation, "send")}
    commands = {released_name(event) for event in COMMANDS}
    assert len(commands) == 20
    assert received == commands
    assert sent == MESSAGES.keys() - commands


def _messages(operation: dict[str, Any], action: str) -> list[str]:
    if operation["action"] != action:
        return []
    return [message["$ref"].rsplit("/", 1)[1] for message in operation["messages"]]


def test_no_schema_speaks_a_newer_dialect_than_asyncapi_reads() -> None:
    text = json.dumps(DOCUMENT)
    assert "prefixItems" not in text
    assert "$defs" not in text
