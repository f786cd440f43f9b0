"""The JSON Schema (2020-12) of an event on the wire: what a subscriber reads."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue, models_json_schema

from contracts.model import Event

DIALECT = "https://json-schema.org/draft/2020-12/schema"
DECIMAL = r"^-?[0-9]{1,12}(\.[0-9]+)?$"
ABOUT_DECIMAL = "A decimal number as a string, with a dot and without an exponent."
WIRE: JsonSchemaMode = "serialization"


class WireSchema(GenerateJsonSchema):
    """Pydantic's generator, with exact numbers as decimal strings and without titles made from field names."""

    def generate_inner(self, schema: Any) -> JsonSchemaValue:
        """The schema of one core schema; a `Decimal` is written as text (see `contracts.model.Exact`)."""
        found = super().generate_inner(schema)
        return found | {"pattern": DECIMAL} if schema["type"] == "decimal" else found

    def field_title_should_be_set(self, schema: Any) -> bool:
        """A title such as "Order Id" says nothing that the name does not say."""
        return False


def released_name(event: type[Event] | str) -> str:
    """`OrderChanged.v1`: the event's name and the version of its schema, as files and documents call it."""
    return (event if isinstance(event, str) else event.TYPE).removeprefix("davtari.")


def schema_of(event: type[Event], type_: str = "", topic: str = "") -> dict[str, Any]:
    """The schema of an event's data; of an earlier version of it with that version's type and topic.

    `x-event-type` and `x-topic` tie it to its CloudEvents type and its topic (named without the prefix), so that a
    move to another topic shows as a breaking change.
    """
    head = {
        "$schema": DIALECT,
        "$id": f"urn:davtari:schema:{released_name(type_ or event)}",
        "x-event-type": type_ or event.TYPE,
        "x-topic": topic or event.TOPIC,
    }
    return head | dict(_explained(event.model_json_schema(mode=WIRE, schema_generator=WireSchema)))


def schemas_of(events: tuple[type[Event], ...], ref_template: str) -> dict[str, Any]:
    """The schemas of many events and of their parts, by name, each part once; refs are made with `ref_template`."""
    _, found = models_json_schema(
        [(event, WIRE) for event in events], ref_template=ref_template, schema_generator=WireSchema
    )
    return dict(_explained(found["$defs"]))


def _explained(node: Any) -> Any:
    """The same schema, where the description of every exact number states how it is written."""
    if isinstance(node, list):
        return [_explained(part) for part in node]
    if not isinstance(node, dict):
        return node
    inner = {key: _explained(value) for key, value in node.items()}
    if inner.get("pattern") != DECIMAL:
        return inner
    return inner | {"description": " ".join(filter(None, (inner.get("description"), ABOUT_DECIMAL)))}


def as_draft_07(node: Any) -> Any:
    """The same schema for AsyncAPI, whose own dialect is based on draft-07: tuples are `items` there."""
    if isinstance(node, list):
        return [as_draft_07(part) for part in node]
    if not isinstance(node, dict):
        return node
    return {"items" if key == "prefixItems" else key: as_draft_07(value) for key, value in node.items()}
