"""Which group and which category a person means, by id or by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from services.cli.command import InvalidArgument
from services.cli.plans.catalogue import Catalogue
from services.cli.plans.groups import Group, groups
from services.connectors.woocommerce.categories import Category


def group_meant(catalogue: Catalogue, text: str) -> Group:
    """A group by its uid, by its name, or by its path ("Goods/Tea"). Raises `WrongUse`, naming the candidates."""
    known = [group for group in groups(catalogue) if group.uid]
    wanted = text.strip().casefold()
    for found in (
        [group for group in known if group.uid.casefold() == wanted],
        [group for group in known if wanted in (group.name.casefold(), group.path.casefold())],
    ):
        if len(found) == 1:
            return found[0]
        if found:
            raise InvalidArgument(f"{len(found)} groups are called {text}: {_listed(found)}; give the uid")
    raise InvalidArgument(f"Balance has no group {text} that Davtari knows of; davtari plan groups lists them")


def _listed(found: Sequence[Group]) -> str:
    return ", ".join(f"{group.path} ({group.uid})" for group in found)


def category_meant(categories: Sequence[Category], text: str) -> Category:
    """A category by its id or by its name. Raises `WrongUse`: nothing is guessed, and none is made (claim S0.4)."""
    wanted = text.strip().casefold()
    found = [one for one in categories if str(one.id) == wanted] or [
        one for one in categories if one.name.casefold() == wanted
    ]
    if len(found) == 1:
        return found[0]
    there = ", ".join(f"{one.id} {one.name}" for one in found or categories)
    raise InvalidArgument(
        f"{'several categories are' if found else 'the shop has no category'} {text}; there are: {there}"
    )


def shut_below(catalogue: Catalogue, group: Group) -> Iterator[Group]:
    """The groups below one that are excluded by an entry of their own."""
    for other in groups(catalogue):
        if other.path.startswith(f"{group.path}/") and other.uid in catalogue.rules.excluded_groups:
            yield other
