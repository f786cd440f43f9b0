"""The AsyncAPI 3.0.0 document of the topics: what a subscriber may read and what it may ask.

It describes the application Davtari, so the operations are seen from there: Davtari *sends* facts and *receives*
commands. A subscriber receives what is sent here.
"""

from __future__ import annotations

from typing import Any

from contracts.connect_headers import connect_header_schema
from contracts.header_schema import header_schema
from contracts.json_schema import as_draft_07, released_name, schemas_of
from contracts.model import Event
from contracts.operations import COMMANDS as COMMANDS_TOPIC
from contracts.operations import DeadLettered
from contracts.registry import EVENTS
from contracts.sample import Sample
from contracts.topics import PREFIX, TOPICS, Topic

VERSION = "1.0.0"
"""Of the contracts as a whole: the second figure grows with every new event or optional field, the first never."""

BINDING = "0.5.0"
HEADERS = "CloudEventHeaders"
COMMANDS = tuple(event for event in EVENTS if event.TOPIC == COMMANDS_TOPIC)

ABOUT = """\
Davtari joins a Balance accounting system to WooCommerce shops. Everything that happens is a CloudEvent on a Kafka \
topic; any system may subscribe. Keys, order, versions, duplicates and evolution are explained in contracts/README.md. \
Addresses have the default prefix `davtari.`; the setting `kafka.topic-prefix` may change it."""


def document(samples: tuple[Sample, ...]) -> dict[str, Any]:
    """The whole document; the golden samples become its examples."""
    return {
        "asyncapi": "3.0.0",
        "info": _info(),
        "defaultContentType": "application/json",
        "servers": {"kafka": _server()},
        "channels": {topic.name: _channel(topic) for topic in TOPICS},
        "operations": dict(_operation(topic, action) for topic in TOPICS for action in _actions(topic)),
        "components": _components(samples),
    }


def _info() -> dict[str, Any]:
    return {
        "title": "Davtari",
        "version": VERSION,
        "description": ABOUT,
        "license": {"name": "Apache-2.0"},
        "tags": [{"name": name, "description": about} for name, about in AREAS.items()],
    }


AREAS = {
    "balance": "What Davtari observed in Balance",
    "shop": "What Davtari observed in a shop",
    "catalog": "How items and products belong together",
    "stock": "What a shop has for sale, and why",
    "ledger": "What was put into the books",
    "privacy": "Keys of personal data",
    "commands": "What people ask and decide",
    "operations": "Results of commands, and the state of services",
    "dead-letters": "What only a person can settle",
}


def _server() -> dict[str, Any]:
    return {
        "host": "{bootstrap}",
        "protocol": "kafka",
        "description": "The installation's own Kafka cluster (setting `kafka.bootstrap-servers`).",
        "variables": {"bootstrap": {"default": "127.0.0.1:9092"}},
    }


def _events(topic: Topic) -> list[type[Event]]:
    return [event for event in EVENTS if topic.name == event.TOPIC]


def _tags(topic: Topic) -> list[dict[str, str]]:
    return [{"name": topic.name.split(".")[0]}]


def _channel(topic: Topic) -> dict[str, Any]:
    kept = "the newest event of every key" if topic.cleanup == "compact" else "every event, for ever"
    return {
        "address": PREFIX + topic.name,
        "title": topic.about,
        "description": f"{topic.about}. Key: {topic.key}. Kept: {kept}.",
        "servers": [{"$ref": "#/servers/kafka"}],
        "messages": {
            released_name(event): {"$ref": f"#/components/messages/{released_name(event)}"} for event in _events(topic)
        },
        "tags": _tags(topic),
        "bindings": {"kafka": _kafka_topic(topic)},
    }


def _kafka_topic(topic: Topic) -> dict[str, Any]:
    numbers = {key: int(value) for key, value in topic.config().items() if key != "cleanup.policy"}
    return {
        "topic": PREFIX + topic.name,
        "partitions": topic.partitions,
        "topicConfiguration": {"cleanup.policy": [topic.cleanup], **numbers},
        "bindingVersion": BINDING,
    }


def _actions(topic: Topic) -> list[str]:
    asked = [event in COMMANDS for event in _events(topic)]
    return [action for action, there in (("send", not all(asked)), ("receive", any(asked))) if there]


def _operation(topic: Topic, action: str) -> tuple[str, dict[str, Any]]:
    channel = f"#/channels/{topic.name}"
    events = [event for event in _events(topic) if (event in COMMANDS) == (action == "receive")]
    return f"{action}.{topic.name}", {
        "action": action,
        "channel": {"$ref": channel},
        "summary": f"{topic.about}: Davtari {'takes commands' if action == 'receive' else 'states what happened'}",
        "messages": [{"$ref": f"{channel}/messages/{released_name(event)}"} for event in events],
        "tags": _tags(topic),
    }


def _components(samples: tuple[Sample, ...]) -> dict[str, Any]:
    schemas = as_draft_07(schemas_of(EVENTS, "#/components/schemas/{model}"))
    keys = {topic.name: topic.key for topic in TOPICS}
    return {
        "schemas": {HEADERS: header_schema(), **schemas},
        "messages": {released_name(event): _message(event, keys[event.TOPIC], samples) for event in EVENTS},
        "correlationIds": {
            "correlation": {
                "location": "$message.header#/ce_correlationid",
                "description": "The same for everything that followed from one first event.",
            }
        },
    }


def _message(event: type[Event], key: str, samples: tuple[Sample, ...]) -> dict[str, Any]:
    about = str(event.__doc__).strip()
    return {
        "name": event.TYPE,
        "title": event.__name__,
        "summary": about.splitlines()[0],
        "contentType": "application/json",
        "headers": _headers(event),
        "payload": {"$ref": f"#/components/schemas/{event.__name__}"},
        "correlationId": {"$ref": "#/components/correlationIds/correlation"},
        "bindings": {"kafka": {"key": {"type": "string", "description": key}, "bindingVersion": BINDING}},
        "examples": [_example(sample) for sample in samples if sample.type == event.TYPE],
    }


def _example(sample: Sample) -> dict[str, Any]:
    return {
        "name": sample.name,
        "summary": f"A record with the key {sample.key}",
        "headers": sample.headers,
        "payload": sample.value,
    }


def _headers(event: type[Event]) -> dict[str, Any]:
    return {
        "type": "object",
        "allOf": [{"$ref": f"#/components/schemas/{HEADERS}"}],
        "properties": {
            "ce_type": {"type": "string", "const": event.TYPE},
            **(connect_header_schema() if event is DeadLettered else {}),
        },
    }
