"""What breaks a subscriber: the difference between two JSON Schemas of one event type and version.

The rule is strict and goes both ways, since a released schema is read by subscribers that we do not know (they must
understand what we write from now on) and describes a log that is kept for ever (what was written must still be valid):

- breaking: a field removed, a new field that is required, a field that becomes required or optional, another type
  (`null` included), a value added to or removed from an enumeration, another default, another format, pattern or bound,
  another topic or event type;
- not breaking: a new optional field, at any level, and words (title, description, examples, names of parts).

Whoever needs a breaking change makes a new event type or version beside the old one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]

WORDS = frozenset({"$schema", "$id", "$comment", "$defs", "title", "description", "examples", "deprecated"})
NESTED = frozenset({"properties", "required", "items", "prefixItems", "additionalProperties", "anyOf"})
COMPARED_APART = frozenset({"type", "const", "enum", "default"})


def breaking_changes(old: Schema, new: Schema) -> list[str]:
    """Every breaking change from `old` to `new`, as `$.lines[].total: what changed`. Empty when there is none."""
    return list(SchemaWalk(old, new).schema("$", old, new))


class SchemaWalk:
    """One walk over two schemas side by side; a `$ref` is followed in the document that contains it.

    `may_gain_fields`: only we write it, so a new field breaks nobody. `may_gain_values`: only we read it, so a value
    that was added to an enumeration breaks nobody.
    """

    def __init__(
        self, old: Schema, new: Schema, *, may_gain_fields: bool = False, may_gain_values: bool = False
    ) -> None:
        self._old, self._new = old, new
        self._may_gain_fields, self._may_gain_values = may_gain_fields, may_gain_values
        self._open: set[tuple[str, str]] = set()

    def schema(self, path: str, old: Schema, new: Schema) -> Iterator[str]:
        """The breaking changes between two schemas of the documents."""
        pair = (str(old.get("$ref")), str(new.get("$ref")))
        if pair in self._open:
            return
        entered = {pair} if "$ref" in old and "$ref" in new else set()
        self._open |= entered
        yield from self._resolved(path, _resolve(self._old, old), _resolve(self._new, new))
        self._open -= entered

    def _resolved(self, path: str, old: Schema, new: Schema) -> Iterator[str]:
        before, after = _types(self._old, old), _types(self._new, new)
        if before != after:
            yield f"{path}: changed type: {_either(before)} → {_either(after)}"
            return
        yield from _values(path, old, new, may_gain=self._may_gain_values)
        yield from _default(path, old, new)
        yield from _keywords(path, old, new)
        yield from self._fields(path, old, new)
        yield from self._parts(path, old, new)

    def _fields(self, path: str, old: Schema, new: Schema) -> Iterator[str]:
        before, after = old.get("properties", {}), new.get("properties", {})
        must, must_now = set(old.get("required", ())), set(new.get("required", ()))
        yield from (f"{path}.{name}: removed field" for name in before if name not in after)
        added = () if self._may_gain_fields else (name for name in after if name not in before and name in must_now)
        yield from (f"{path}.{name}: new required field" for name in added)
        for name in (name for name in before if name in after):
            if (name in must) != (name in must_now):
                yield f"{path}.{name}: {'became required' if name in must_now else 'is not required any more'}"
            yield from self.schema(f"{path}.{name}", before[name], after[name])

    def _parts(self, path: str, old: Schema, new: Schema) -> Iterator[str]:
        yield from self._part(f"{path}[]", old.get("items"), new.get("items"))
        yield from self._part(f"{path}.*", old.get("additionalProperties"), new.get("additionalProperties"))
        for keyword, name in (("prefixItems", f"{path}[{{}}]"), ("anyOf", path)):
            before, after = old.get(keyword, []), new.get(keyword, [])
            if len(before) != len(after):
                yield f"{path}: changed {keyword}: {len(before)} → {len(after)} schemas"
                continue
            for at, (one, other) in enumerate(zip(before, after, strict=True)):
                yield from self.schema(name.format(at), one, other)

    def _part(self, path: str, old: Schema | bool | None, new: Schema | bool | None) -> Iterator[str]:
        if isinstance(old, dict) and isinstance(new, dict):
            yield from self.schema(path, old, new)
        elif old != new:
            yield f"{path}: changed what it may hold"


def _resolve(root: Schema, node: Schema) -> Schema:
    if "$ref" not in node:
        return node
    target: Schema = root
    for step in node["$ref"].removeprefix("#/").split("/"):
        target = target[step]
    return _resolve(root, target) | {key: value for key, value in node.items() if key != "$ref"}


def _types(root: Schema, node: Schema) -> frozenset[str]:
    node = _resolve(root, node)
    if "anyOf" in node:
        return frozenset().union(*(_types(root, branch) for branch in node["anyOf"]))
    return frozenset({str(node.get("type", "anything"))})


def _either(types: frozenset[str]) -> str:
    return " or ".join(sorted(types))


def _values(path: str, old: Schema, new: Schema, *, may_gain: bool) -> Iterator[str]:
    before, after = _allowed(old), _allowed(new)
    if before is None or after is None:
        if before != after:
            yield f"{path}: {'is now' if before is None else 'is no longer'} limited to listed values"
        return
    yield from (f"{path}: removed value {value!r}" for value in before if value not in after)
    if not may_gain:
        yield from (f"{path}: added value {value!r}" for value in after if value not in before)


def _allowed(node: Schema) -> list[Any] | None:
    return [node["const"]] if "const" in node else node.get("enum")


def _default(path: str, old: Schema, new: Schema) -> Iterator[str]:
    """A default is what an event without the field means. A part's default may gain the part's new optional fields."""
    before, after = old.get("default"), new.get("default")
    if isinstance(before, dict) and isinstance(after, dict):
        after = {key: value for key, value in after.items() if key in before}
    if before != after:
        yield f"{path}: changed default: {before!r} → {after!r}"


def _keywords(path: str, old: Schema, new: Schema) -> Iterator[str]:
    for keyword in sorted((old.keys() | new.keys()) - WORDS - NESTED - COMPARED_APART):
        if old.get(keyword) != new.get(keyword):
            yield f"{path}: changed {keyword}: {old.get(keyword)!r} → {new.get(keyword)!r}"
