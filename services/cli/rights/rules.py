"""The rights of all roles as rules of one installation."""

from __future__ import annotations

from collections.abc import Iterator

from services.cli.rights.grants import Grant, grants
from services.cli.rights.roles import roles
from services.engine.kafka.authorization import AclRule, Operation, PatternKind, ResourceKind

OPERATIONS = {
    "Read": Operation.READ,
    "Write": Operation.WRITE,
    "Create": Operation.CREATE,
    "Describe": Operation.DESCRIBE,
    "DescribeConfigs": Operation.DESCRIBE_CONFIGS,
}


def all_rules(prefix: str) -> list[AclRule]:
    """Every rule for the topics and groups with this prefix."""
    return list(dict.fromkeys(rule for role in roles() for grant in grants(role) for rule in _rules_of(grant, prefix)))


def _rules_of(grant: Grant, prefix: str) -> Iterator[AclRule]:
    resource, pattern = ResourceKind[grant.resource.upper()], PatternKind[grant.pattern.upper()]
    for name in grant.names:
        full = prefix + name[1:] if name.startswith("@") else name
        for operation in grant.operations:
            yield AclRule(grant.principal, OPERATIONS[operation], resource, full, pattern)
