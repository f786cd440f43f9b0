"""The menu: which pages there are, and who sees them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from services.console.access.roles import Permission
from services.console.access.users import ConsoleUser


def _(text: str) -> str:
    return text


Feature = Literal["model", "api"]
"""What a page may need besides the access database: the query database, or the API."""


@dataclass(frozen=True, slots=True)
class Place:
    """A page of the menu. `label` is an English text of the catalogue; `uses`: what it is of no use without."""

    path: str
    label: str
    needs: Permission | None
    uses: Feature | None = None


PLACES: tuple[Place, ...] = (
    Place("/today", _("Today"), Permission.SEE_FIGURES, uses="model"),
    Place("/orders", _("Orders"), Permission.SEE_FIGURES, uses="model"),
    Place("/attention", _("Needs attention"), Permission.SEE_FIGURES, uses="model"),
    Place("/approvals", _("Approvals"), Permission.SEE_FIGURES, uses="model"),
    Place("/days", _("Days"), Permission.SEE_FIGURES, uses="model"),
    Place("/stock", _("Stock"), Permission.SEE_FIGURES, uses="model"),
    Place("/catalogue", _("Catalogue"), Permission.SEE_FIGURES, uses="model"),
    Place("/health", _("Health"), Permission.SEE_OPERATIONS, uses="model"),
    Place("/help", _("Help"), None),
    Place("/people", _("People"), Permission.ADMINISTER),
    Place("/tokens", _("API tokens"), Permission.ADMINISTER, uses="api"),
    Place("/audit", _("Audit log"), Permission.ADMINISTER),
)


@dataclass(frozen=True, slots=True)
class MenuLink:
    """A link of the menu; `current` on its own page and those below it."""

    path: str
    label: str
    current: bool


def menu_for(user: ConsoleUser | None, path: str, has: Collection[Feature]) -> list[MenuLink]:
    """The links that a person sees on the page with this path, where the console has these features."""
    if user is None:
        return []
    seen = [place for place in PLACES if place.needs is None or user.may(place.needs)]
    return [MenuLink(p.path, p.label, _is_at(path, p.path)) for p in seen if p.uses is None or p.uses in has]


def _is_at(path: str, place: str) -> bool:
    return path == place or (place != "/" and path.startswith(place + "/"))
