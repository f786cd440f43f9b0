"""What breaks a client of the API is named, and what does not is let through."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.api_compatibility import api_changes

Document = dict[str, Any]
TEXT: Document = {"type": "string"}


def fields(*required: str, **properties: Document) -> Document:
    return {"type": "object", "properties": properties, "required": list(required)}


def parameter(name: str, schema: Document = TEXT, **more: Any) -> Document:
    return {"name": name, "in": "query", "schema": schema, **more}


def document(answer: Document | None = None, *parameters: Document, **operation: Any) -> Document:
    """A document with one address, whose answer is a component."""
    responses = {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}}}}
    found = {"operationId": "read", "parameters": list(parameters), "responses": responses, **operation}
    return {
        "paths": {"/v1/orders": {"get": found}},
        "components": {"schemas": {"Order": answer or fields("id", id=TEXT)}},
    }


def body(schema: Document, *, required: bool = True) -> Document:
    return {"required": required, "content": {"application/json": {"schema": schema}}}


def values(*allowed: str) -> Document:
    return {"type": "string", "enum": list(allowed)}


BREAKING: list[tuple[Document, Document, str]] = [
    (document(), {"paths": {}}, ": removed"),
    (document(), document(operationId="list"), ": changed operationId"),
    (document(), document(security=[{"token": []}]), ": changed security"),
    (document(None, parameter("shop")), document(), " shop (query): removed parameter"),
    (document(), document(None, parameter("shop", required=True)), " shop (query): new required parameter"),
    (
        document(None, parameter("shop")),
        document(None, parameter("shop", required=True)),
        " shop (query): became required",
    ),
    (
        document(None, parameter("limit", {"type": "integer", "maximum": 500})),
        document(None, parameter("limit", {"type": "integer", "maximum": 100})),
        " limit (query): changed maximum: 500 → 100",
    ),
    (
        document(None, parameter("state", values("due", "held"))),
        document(None, parameter("state", values("due"))),
        " state (query): removed value 'held'",
    ),
    (document(fields("id", id=TEXT)), document(fields()), " 200.id: removed field"),
    (document(fields("id", id=TEXT)), document(fields(id=TEXT)), " 200.id: is not required any more"),
    (
        document(fields(id=TEXT)),
        document(fields(id={"type": "integer"})),
        " 200.id: changed type: string → integer",
    ),
    (
        document(fields(state=values("due"))),
        document(fields(state=values("due", "held"))),
        " 200.state: added value 'held'",
    ),
    (document(), document(responses={"204": {}}), " 200: removed answer"),
    (document(), document(responses={"200": {"content": {"text/csv": {}}}}), " 200: no longer application/json"),
    (document(), document(requestBody=body(fields())), " body: became required"),
    (
        document(requestBody=body(fields())),
        document(requestBody=body(fields("why", why=TEXT))),
        " body.why: new required field",
    ),
]
HARMLESS: list[tuple[str, Document, Document]] = [
    ("nothing", document(), document()),
    ("a new address", {"paths": {}}, document()),
    ("a new parameter", document(), document(None, parameter("shop"))),
    (
        "a new value of a parameter",
        document(None, parameter("s", values("a"))),
        document(None, parameter("s", values("a", "b"))),
    ),
    ("a new field of an answer", document(fields("id", id=TEXT)), document(fields("id", "no", id=TEXT, no=TEXT))),
    ("another description", document(), document(description="Reads.")),
    (
        "a new optional field of a body",
        document(requestBody=body(fields())),
        document(requestBody=body(fields(why=TEXT))),
    ),
]


@pytest.mark.parametrize(("old", "new", "change"), BREAKING, ids=[row[2].strip(": ") for row in BREAKING])
def test_a_breaking_change_of_the_api_is_named(old: Document, new: Document, change: str) -> None:
    assert api_changes(old, new) == [f"GET /v1/orders{change}"]


@pytest.mark.parametrize(("old", "new"), [row[1:] for row in HARMLESS], ids=[row[0] for row in HARMLESS])
def test_a_harmless_change_of_the_api_is_let_through(old: Document, new: Document) -> None:
    assert api_changes(old, new) == []
