"""What becomes of a group of Balance in a shop: open or shut, and into which category (claims S0.3, S0.4, S0.5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.settings.catalogue import CatalogueSettings


@dataclass(frozen=True, slots=True)
class Fate:
    """`by` is the group whose entry decides; empty where no entry says anything: default deny."""

    category_ids: tuple[int, ...] = ()
    excluded: bool = False
    by: str = ""


def fate(groups: Sequence[str], rules: CatalogueSettings) -> Fate:
    """The fate of the first of these groups; they stand from the nearest to the root.

    An excluded folder shuts its whole subtree, mapped or not, down to a folder that is included again. The categories
    are those of the nearest mapped folder.
    """
    said = next((group for group in groups if group in rules.excluded_groups or group in rules.included_groups), "")
    if said in rules.excluded_groups:
        return Fate(excluded=True, by=said)
    mapped = next((group for group in groups if group in rules.groups), None)
    return Fate(by=said) if mapped is None else Fate(rules.groups[mapped], by=mapped)
