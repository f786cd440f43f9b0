"""What a change of the mapping would do to the shop's products, counted before anything is saved (claim S0.39)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from contracts.catalog import GroupRule
from services.catalog_importer.eligibility import Eligible, Skip
from services.cli.plans.catalogue import Catalogue, verdicts

Changes = Mapping[str, GroupRule | None]
"""By group; None: what the settings say."""


@dataclass(frozen=True, slots=True)
class Effect:
    """Counts of items. `known_*`: how many of them are products of the shop already."""

    appear: int
    known_appear: int
    moved: int
    known_moved: int
    skipped: int
    known_skipped: int

    @property
    def nothing(self) -> bool:
        """Whether no item fares otherwise."""
        return not (self.appear or self.moved or self.skipped)


def after(catalogue: Catalogue, changes: Changes) -> dict[str, GroupRule]:
    """All commands about groups, as they would stand."""
    kept = {group: rule for group, rule in catalogue.commanded.items() if group not in changes}
    return kept | {group: rule for group, rule in changes.items() if rule is not None}


def effect(catalogue: Catalogue, changes: Changes) -> Effect:
    """What would become of the items under these changes."""
    before = verdicts(catalogue.items, catalogue.rules)
    then = verdicts(catalogue.items, catalogue.under(after(catalogue, changes)))
    appear = [uid for uid in before if isinstance(before[uid], Skip) and isinstance(then[uid], Eligible)]
    skipped = [uid for uid in before if isinstance(before[uid], Eligible) and isinstance(then[uid], Skip)]
    moved = [uid for uid in before if _categories(before[uid]) != _categories(then[uid])]
    moved = [uid for uid in moved if uid not in {*appear, *skipped}]
    return Effect(
        *(count for uids in (appear, moved, skipped) for count in (len(uids), len(catalogue.linked.intersection(uids))))
    )


def _categories(verdict: Eligible | Skip) -> frozenset[int] | None:
    return frozenset(verdict.category_ids) if isinstance(verdict, Eligible) else None
