"""A role as Kafka's access control lists say it: which operations on which topics and consumer groups."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from services.cli.rights.roles import Role

READ, WRITE, SEE = ("Read",), ("Write",), ("Describe",)
CREATE = ("Create", "Describe", "DescribeConfigs")
"""Read and Write imply Describe."""

Pattern = Literal["literal", "prefixed"]


@dataclass(frozen=True, slots=True)
class Grant:
    """Operations allowed to a principal on resources of one kind. In `names`, `@` represents the topics' prefix."""

    principal: str
    operations: tuple[str, ...]
    resource: Literal["topic", "group"]
    names: tuple[str, ...]
    pattern: Pattern = "literal"


def grants(role: Role) -> Iterator[Grant]:
    """Everything that a role is allowed; whatever is not named is denied."""
    who = role.principal
    yield Grant(who, READ, "topic", _live(role.reads))
    if role.writes:
        yield Grant(who, WRITE, "topic", _live(role.writes))
    for operations, prefixes in ((CREATE, role.creates), (WRITE, role.writes_under)):
        if prefixes:
            yield Grant(who, operations, "topic", prefixes, "prefixed")
    for pattern, groups in _by_pattern(role.groups).items():
        yield Grant(who, READ, "group", groups, pattern)
    if role.groups_seen:
        yield Grant(who, SEE, "group", role.groups_seen, "prefixed")


def _by_pattern(groups: tuple[str, ...]) -> dict[Pattern, tuple[str, ...]]:
    prefixes = tuple(group for group in groups if group.endswith("."))
    others = tuple(group for group in groups if not group.endswith("."))
    found: dict[Pattern, tuple[str, ...]] = {"literal": others, "prefixed": prefixes}
    return {pattern: names for pattern, names in found.items() if names}


def _live(topics: tuple[str, ...]) -> tuple[str, ...]:
    return tuple("@" + topic for topic in topics)
