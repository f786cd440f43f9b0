"""The names of roles and token scopes for people."""

from __future__ import annotations

from collections.abc import Iterable

from services.console.access.roles import ConsoleRole
from services.console.access.tokens import Scope
from services.settings.translation import Language, translator


def _(text: str) -> str:
    return text


ROLE_NAMES = {
    ConsoleRole.VIEWER: _("Viewer"),
    ConsoleRole.STOREFRONT: _("Storefront manager"),
    ConsoleRole.ACCOUNTANT: _("Accountant"),
    ConsoleRole.OPERATOR: _("Operator"),
    ConsoleRole.ADMIN: _("Administrator"),
}
ROLE_DUTIES = {
    ConsoleRole.VIEWER: _("Sees figures and documents, but no people."),
    ConsoleRole.STOREFRONT: _("Catalogue, prices, stock, mapping and plans."),
    ConsoleRole.ACCOUNTANT: _("Orders with their buyers, documents, approvals and the close of the day."),
    ConsoleRole.OPERATOR: _("Whatever needs attention, flows, health and events."),
    ConsoleRole.ADMIN: _("People, API tokens, the audit log and settings."),
}
SCOPE_NAMES = {
    Scope.READ: _("Read"),
    Scope.PEOPLE: _("See buyers without a mask"),
    Scope.COMMANDS: _("Give commands"),
}


def list_roles(roles: Iterable[ConsoleRole], language: Language) -> str:
    """The names of roles in one line."""
    return ", ".join(translator(language)(ROLE_NAMES[role]) for role in roles)
