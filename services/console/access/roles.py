"""Roles, and what each of them may see and do."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class ConsoleRole(StrEnum):
    """What a person does at the company. A person may have several roles."""

    VIEWER = "viewer"
    STOREFRONT = "storefront"
    ACCOUNTANT = "accountant"
    OPERATOR = "operator"
    ADMIN = "admin"


class Permission(StrEnum):
    """One thing that a role allows."""

    SEE_FIGURES = "see-figures"
    SEE_PEOPLE = "see-people"
    SEE_OPERATIONS = "see-operations"
    APPROVE = "approve"
    CLOSE_DAYS = "close-days"
    RESOLVE = "resolve"
    CHANGE_CATALOGUE = "change-catalogue"
    ADMINISTER = "administer"


_PERMISSIONS: dict[ConsoleRole, frozenset[Permission]] = {
    ConsoleRole.VIEWER: frozenset({Permission.SEE_FIGURES}),
    ConsoleRole.STOREFRONT: frozenset({Permission.SEE_FIGURES, Permission.RESOLVE, Permission.CHANGE_CATALOGUE}),
    ConsoleRole.ACCOUNTANT: frozenset(
        {
            Permission.SEE_FIGURES,
            Permission.SEE_PEOPLE,
            Permission.APPROVE,
            Permission.CLOSE_DAYS,
            Permission.RESOLVE,
        }
    ),
    ConsoleRole.OPERATOR: frozenset({Permission.SEE_FIGURES, Permission.SEE_OPERATIONS, Permission.RESOLVE}),
    ConsoleRole.ADMIN: frozenset({Permission.ADMINISTER}),
}


def permissions_of(roles: Iterable[ConsoleRole]) -> frozenset[Permission]:
    """Everything that these roles allow together."""
    return frozenset[Permission]().union(*(_PERMISSIONS[role] for role in roles))


def roles_with(permission: Permission) -> list[ConsoleRole]:
    """The roles that allow something, for the message to a person who may not do it."""
    return [role for role, allowed in _PERMISSIONS.items() if permission in allowed]
