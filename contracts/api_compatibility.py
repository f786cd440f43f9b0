"""What breaks a client of the API: the difference between two OpenAPI documents.

- breaking: an address, method, parameter, kind of answer or field of an answer removed; a parameter that is new and
  required, or becomes required; another type, default or bound; a value added to an enumeration of an answer;
- not breaking: a new address, optional parameter, field of an answer or value of a parameter, and words.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from contracts.compatibility import SchemaWalk

OpenApi = dict[str, Any]
_UNCHANGED = ("operationId", "security")
"""Names of generated clients and needs of a token."""


def api_changes(old: OpenApi, new: OpenApi) -> list[str]:
    """Every breaking change from `old` to `new`, as `GET /v1/orders: what changed`. Empty when there is none."""
    return [
        f"{method.upper()} {path}{change}"
        for path, operations in old["paths"].items()
        for method, operation in operations.items()
        for change in _operation_changes(old, new, operation, new["paths"].get(path, {}).get(method))
    ]


def _operation_changes(old: OpenApi, new: OpenApi, before: OpenApi, after: OpenApi | None) -> Iterator[str]:
    if after is None:
        yield ": removed"
        return
    yield from (f": changed {name}" for name in _UNCHANGED if before.get(name) != after.get(name))
    yield from _parameter_changes(SchemaWalk(old, new, may_gain_values=True), before, after)
    yield from _body_changes(SchemaWalk(old, new, may_gain_values=True), before, after)
    yield from _answer_changes(SchemaWalk(old, new, may_gain_fields=True), before, after)


def _parameter_changes(comparison: SchemaWalk, before: OpenApi, after: OpenApi) -> Iterator[str]:
    known, found = _parameters(before), _parameters(after)
    yield from (f" {name}: removed parameter" for name in known if name not in found)
    for name, parameter in found.items():
        previous = known.get(name)
        if parameter.get("required") and not (previous or {}).get("required"):
            yield f" {name}: {'became required' if previous else 'new required parameter'}"
        if previous:
            yield from _prefixed(comparison.schema(f"{name}", previous["schema"], parameter["schema"]))


def _parameters(operation: OpenApi) -> dict[str, OpenApi]:
    return {f"{one['name']} ({one['in']})": one for one in operation.get("parameters", ())}


def _body_changes(comparison: SchemaWalk, before: OpenApi, after: OpenApi) -> Iterator[str]:
    known, found = before.get("requestBody", {}), after.get("requestBody", {})
    if found.get("required") and not known.get("required"):
        yield " body: became required"
    yield from _content_changes(comparison, "body", known.get("content", {}), found.get("content", {}))


def _answer_changes(comparison: SchemaWalk, before: OpenApi, after: OpenApi) -> Iterator[str]:
    for status, answer in before["responses"].items():
        if status not in after["responses"]:
            yield f" {status}: removed answer"
            continue
        found = after["responses"][status]
        yield from _content_changes(comparison, status, answer.get("content", {}), found.get("content", {}))


def _content_changes(comparison: SchemaWalk, name: str, known: OpenApi, found: OpenApi) -> Iterator[str]:
    for media, content in known.items():
        if media not in found:
            yield f" {name}: no longer {media}"
        elif "schema" in content:
            yield from _prefixed(comparison.schema(name, content["schema"], found[media].get("schema", {})))


def _prefixed(changes: Iterator[str]) -> Iterator[str]:
    return (f" {change}" for change in changes)
