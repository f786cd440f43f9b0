"""Which change of an event's schema breaks a subscriber, kind by kind."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from contracts.compatibility import breaking_changes
from contracts.json_schema import schema_of
from contracts.registry import EVENTS
from contracts.shop import OrderChanged

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "integer"}
NOTHING: Schema = {"type": "null"}


def event(_required: tuple[str, ...] = (), **fields: Schema) -> Schema:
    """The schema of an event with these fields."""
    return {"title": "OrderChanged", "type": "object", "properties": fields, "required": list(_required)}


def list_of(schema: Schema) -> Schema:
    """The schema of a list."""
    return {"type": "array", "items": schema}


BREAKING = [
    ("a removed field", event(status=TEXT), event(), "$.status: removed field"),
    ("a new required field", event(), event(("rate",), rate=TEXT), "$.rate: new required field"),
    ("a field that must be there now", event(rate=TEXT), event(("rate",), rate=TEXT), "$.rate: became required"),
    (
        "a field that may be missing now",
        event(("rate",), rate=TEXT),
        event(rate=TEXT),
        "$.rate: is not required any more",
    ),
    ("another type", event(total=TEXT), event(total=NUMBER), "$.total: changed type: string → integer"),
    (
        "null where there was none",
        event(sku=TEXT),
        event(sku={"anyOf": [TEXT, NOTHING]}),
        "$.sku: changed type: string → null or string",
    ),
    (
        "no null where there was one",
        event(sku={"anyOf": [TEXT, NOTHING]}),
        event(sku=TEXT),
        "$.sku: changed type: null or string → string",
    ),
    ("any value where there was a type", event(sent=TEXT), event(sent={}), "$.sent: changed type: string → anything"),
    (
        "a removed value",
        event(how={**TEXT, "enum": ["written", "adopted"]}),
        event(how={**TEXT, "enum": ["written"]}),
        "$.how: removed value 'adopted'",
    ),
    (
        "an added value",
        event(how={**TEXT, "enum": ["written"]}),
        event(how={**TEXT, "enum": ["written", "adopted"]}),
        "$.how: added value 'adopted'",
    ),
    (
        "another single value",
        event(how={**TEXT, "const": "written"}),
        event(how={**TEXT, "const": "adopted"}),
        "$.how: removed value 'written'",
    ),
    (
        "more than the single value",
        event(how={**TEXT, "const": "written"}),
        event(how={**TEXT, "enum": ["written", "adopted"]}),
        "$.how: added value 'adopted'",
    ),
    (
        "a list of values where any was right",
        event(how=TEXT),
        event(how={**TEXT, "enum": ["written"]}),
        "$.how: is now limited to listed values",
    ),
    (
        "any value where some were right",
        event(how={**TEXT, "enum": ["written"]}),
        event(how=TEXT),
        "$.how: is no longer limited to listed values",
    ),
    (
        "another pattern",
        event(shop={**TEXT, "pattern": "^[a-z]+$"}),
        event(shop={**TEXT, "pattern": "^[a-z-]+$"}),
        "$.shop: changed pattern: '^[a-z]+$' → '^[a-z-]+$'",
    ),
    (
        "another format",
        event(at={**TEXT, "format": "date-time"}),
        event(at={**TEXT, "format": "date"}),
        "$.at: changed format: 'date-time' → 'date'",
    ),
    (
        "a lost bound",
        event(order_id={**NUMBER, "exclusiveMinimum": 0}),
        event(order_id=NUMBER),
        "$.order_id: changed exclusiveMinimum: 0 → None",
    ),
    (
        "another default",
        event(product_id={**NUMBER, "default": 0}),
        event(product_id={**NUMBER, "default": 1}),
        "$.product_id: changed default: 0 → 1",
    ),
    (
        "a change inside a list",
        event(lines=list_of(event(total=TEXT))),
        event(lines=list_of(event())),
        "$.lines[].total: removed field",
    ),
    (
        "a change inside a map",
        event(figures={"type": "object", "additionalProperties": NUMBER}),
        event(figures={"type": "object", "additionalProperties": TEXT}),
        "$.figures.*: changed type: integer → string",
    ),
    (
        "a map that is closed",
        event(sent={"type": "object", "additionalProperties": True}),
        event(sent={"type": "object", "additionalProperties": False}),
        "$.sent.*: changed what it may hold",
    ),
    (
        "a change inside a tuple",
        event(headers={"type": "array", "prefixItems": [TEXT, TEXT]}),
        event(headers={"type": "array", "prefixItems": [TEXT, NUMBER]}),
        "$.headers[1]: changed type: string → integer",
    ),
    (
        "a longer tuple",
        event(headers={"type": "array", "prefixItems": [TEXT]}),
        event(headers={"type": "array", "prefixItems": [TEXT, TEXT]}),
        "$.headers: changed prefixItems: 1 → 2 schemas",
    ),
    (
        "a change in one alternative",
        event(paid_at={"anyOf": [{**TEXT, "format": "date-time"}, NOTHING]}),
        event(paid_at={"anyOf": [TEXT, NOTHING]}),
        "$.paid_at: changed format: 'date-time' → None",
    ),
    (
        "another topic",
        {"x-topic": "shop.orders"},
        {"x-topic": "orders"},
        "$: changed x-topic: 'shop.orders' → 'orders'",
    ),
]

HARMLESS = [
    ("nothing", event(status=TEXT), event(status=TEXT)),
    ("a new optional field", event(), event(rate={**TEXT, "default": ""})),
    ("a new optional field in a list", event(lines=list_of(event())), event(lines=list_of(event(rate=TEXT)))),
    ("another title", event(a={**TEXT, "title": "A"}), event(a={**TEXT, "title": "B"})),
    ("another description", {**event(), "description": "An order."}, {**event(), "description": "One order."}),
    ("new examples", event(a=TEXT), event(a={**TEXT, "examples": ["x"]})),
    ("a deprecated field", event(a=TEXT), event(a={**TEXT, "deprecated": True})),
    ("fields in another order", event(("a", "b"), a=TEXT, b=TEXT), event(("b", "a"), b=TEXT, a=TEXT)),
    (
        "values in another order",
        event(how={**TEXT, "enum": ["written", "adopted"]}),
        event(how={**TEXT, "enum": ["adopted", "written"]}),
    ),
    (
        "the default of a part that gained an optional field",
        event(accounts={**event(a=TEXT), "default": {"a": ""}}),
        event(accounts={**event(a=TEXT, b=TEXT), "default": {"a": "", "b": ""}}),
    ),
    (
        "a part under another name",
        {**event(at={"$ref": "#/$defs/Place"}), "$defs": {"Place": event(city=TEXT)}},
        {**event(at={"$ref": "#/$defs/Address"}), "$defs": {"Address": event(city=TEXT)}},
    ),
]


@pytest.mark.parametrize(("old", "new", "message"), [row[1:] for row in BREAKING], ids=[row[0] for row in BREAKING])
def test_a_breaking_change_is_named(old: Schema, new: Schema, message: str) -> None:
    assert message in breaking_changes(old, new)


@pytest.mark.parametrize(("old", "new"), [row[1:] for row in HARMLESS], ids=[row[0] for row in HARMLESS])
def test_a_harmless_change_is_not(old: Schema, new: Schema) -> None:
    assert breaking_changes(old, new) == []


def test_a_part_is_followed_wherever_it_is_used() -> None:
    old = schema_of(OrderChanged)
    new = deepcopy(old)
    del new["$defs"]["Address"]["properties"]["city"]
    assert breaking_changes(old, new) == [
        "$.person.billing.city: removed field",
        "$.person.shipping.city: removed field",
    ]


def test_parts_that_hold_themselves_end_the_walk() -> None:
    tree: Schema = {
        "$ref": "#/$defs/Node",
        "$defs": {"Node": event(name=TEXT, inner=list_of({"$ref": "#/$defs/Node"}))},
    }
    changed = deepcopy(tree)
    del changed["$defs"]["Node"]["properties"]["name"]
    assert breaking_changes(tree, changed) == ["$.name: removed field"]


@pytest.mark.parametrize("type_", EVENTS, ids=[each.__name__ for each in EVENTS])
def test_no_event_breaks_itself(type_: Any) -> None:
    assert breaking_changes(schema_of(type_), schema_of(type_)) == []
