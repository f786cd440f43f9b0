"""The menu: which pages there are, and who sees them."""

from __future__ import annotations

from dataclasses import dataclass

from services.console.access.roles import Permission
from services.console.access.users import ConsoleUser


def _(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True)
class Place:
    """A page of the menu. `label` is an English text of the catalogue; `uses_model`: it shows the read model."""

    path: str
    label: str
    needs: Permission | None
    uses_model: bool = False


PLACES: tuple[Place, ...] = (
    Place("/today", _("Today"), Permission.SEE_FIGURES, uses_model=True),
    Place("/orders", _("Orders"), Permission.SEE_FIGURES, uses_model=True),
    Place("/attention", _("Needs attention"), Permission.SEE_FIGURES, uses_model=True),
    Place("/approvals", _("Approvals"), Permission.SEE_FIGURES, uses_model=True),
    Place("/days", _("Days"), Permission.SEE_FIGURES, uses_model=True),
    Place("/stock", _("Stock"), Permission.SEE_FIGURES, uses_model=True),
    Place("/catalogue", _("Catalogue"), Permission.SEE_FIGURES, uses_model=True),
    Place("/help", _("Help"), None),
    Place("/people", _("People"), Permission.ADMINISTER),
    Place("/tokens", _("API tokens"), Permission.ADMINISTER),
    Place("/audit", _("Audit log"), Permission.ADMINISTER),
)


@dataclass(frozen=True, slots=True)
class MenuLink:
    """A link of the menu; `current` on its own page and those below it."""

    path: str
    label: str
    current: bool


def menu_for(user: ConsoleUser | None, path: str, *, has_model: bool) -> list[MenuLink]:
    """The links that a person sees on the page with this path."""
    if user is None:
        return []
    seen = [place for place in PLACES if place.needs is None or user.may(place.needs)]
    return [MenuLink(p.path, p.label, _is_at(path, p.path)) for p in seen if has_model or not p.uses_model]


def _is_at(path: str, place: str) -> bool:
    return path == place or (place != "/" and path.startswith(place + "/"))
