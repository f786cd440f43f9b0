"""A role as Kafka's access control lists say it: which operations on which topics and consumer groups."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ops.acl.roles import Role

READ, WRITE, CREATE, SEE = ("Read", "Describe"), ("Write", "Describe"), ("Create", "Describe"), ("Describe",)


@dataclass(frozen=True, slots=True)
class Grant:
    """Operations allowed to a principal on resources of one kind. In `names`, `@` represents the topics' prefix."""

    principal: str
    operations: tuple[str, ...]
    resource: Literal["topic", "group"]
    names: tuple[str, ...]
    pattern: Literal["literal", "prefixed"] = "literal"


def grants(role: Role) -> Iterator[Grant]:
    """Everything that a role is allowed; whatever is not named is denied."""
    who = role.principal
    yield Grant(who, READ, "topic", _live(role.reads))
    if role.writes:
        yield Grant(who, WRITE, "topic", _live(role.writes))
    for operations, prefixes in ((CREATE, role.creates), (WRITE, role.writes_under)):
        if prefixes:
            yield Grant(who, operations, "topic", prefixes, "prefixed")
    if role.groups:
        yield Grant(who, READ, "group", role.groups, "prefixed")
    if role.groups_seen:
        yield Grant(who, SEE, "group", role.groups_seen, "prefixed")


def _live(topics: tuple[str, ...]) -> tuple[str, ...]:
    return tuple("@" + topic for topic in topics)
