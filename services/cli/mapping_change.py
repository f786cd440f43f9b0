"""Changing the mapping: show what would follow; save it when a person says yes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from rich.markup import escape

from contracts.catalog import GroupRule
from contracts.operations import CommandSettled, MappingRequested
from services.catalog_importer.eligibility import Eligible, Skip
from services.cli import requests
from services.cli.command import FAILED
from services.cli.plans.catalogue import KnownCatalogue, judge_items
from services.cli.screen import build_table, console, print_json
from services.engine.clock import TBILISI
from services.settings.model import Settings

# What a change of the mapping would do to the shop's products, counted before anything is saved (claim S0.39).

Changes = Mapping[str, GroupRule | None]
"""By group; None: what the settings say."""


@dataclass(frozen=True, slots=True)
class MappingEffect:
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


def commands_after(catalogue: KnownCatalogue, changes: Changes) -> dict[str, GroupRule]:
    """All commands about groups, as they would stand."""
    kept = {group: rule for group, rule in catalogue.commanded.items() if group not in changes}
    return kept | {group: rule for group, rule in changes.items() if rule is not None}


def compute_effect(catalogue: KnownCatalogue, changes: Changes) -> MappingEffect:
    """What would become of the items under these changes."""
    before = judge_items(catalogue.items, catalogue.rules)
    then = judge_items(catalogue.items, catalogue.under(commands_after(catalogue, changes)))
    appear = [uid for uid in before if isinstance(before[uid], Skip) and isinstance(then[uid], Eligible)]
    skipped = [uid for uid in before if isinstance(before[uid], Eligible) and isinstance(then[uid], Skip)]
    moved = [uid for uid in before if _categories(before[uid]) != _categories(then[uid])]
    moved = [uid for uid in moved if uid not in {*appear, *skipped}]
    return MappingEffect(
        *(count for uids in (appear, moved, skipped) for count in (len(uids), len(catalogue.linked.intersection(uids))))
    )


def _categories(verdict: Eligible | Skip) -> frozenset[int] | None:
    return frozenset(verdict.category_ids) if isinstance(verdict, Eligible) else None


# A rule about a group in a person's words, and where it comes from.


def describe_rule(rule: GroupRule | None) -> str:
    """What a rule says."""
    if rule is None:
        return "as the settings say"
    ids = ", ".join(map(str, rule.category_ids))
    category = f"{'categories' if rule.more_categories else 'category'} {ids}" if ids else ""
    return ", ".join(part for part in (rule.access or "", category) if part) or "no category"


def describe_source(catalogue: KnownCatalogue, group: str) -> str:
    """Who says so: the settings, or a person, and when."""
    change = catalogue.changes.get(group)
    if change is None or change.rule is None:
        return "settings"
    return f"{change.changed_by}, {change.changed_at.astimezone(TBILISI):%d %b %Y %H:%M}"


FOLLOWS = {
    "off": "the catalogue flow is off: nothing follows yet",
    "dry-run": "the catalogue flow is in dry-run: davtari plan items shows what follows, nothing is written",
    "live": "the catalogue flow is live: what follows is written at once",
}


@dataclass(frozen=True, slots=True)
class MappingChange:
    """What a person wants changed, and how: `yes` saves it, else it is only shown."""

    changes: Changes
    yes: bool
    patience: float
    json: bool


async def apply_change(settings: Settings, catalogue: KnownCatalogue, wish: MappingChange) -> int:
    """Show the effect; save the changes if that is wished. Gives the exit code."""
    would = compute_effect(catalogue, wish.changes)
    if not wish.json:
        show_effect(catalogue, wish.changes, would)
    answers = await _saved(settings, catalogue.shop, wish) if wish.yes else []
    refused = [answer for answer in answers if answer.outcome == "refused"]
    saved = wish.yes and not refused
    if wish.json:
        rules = {group: rule and rule.model_dump() for group, rule in wish.changes.items()}
        print_json({"shop": catalogue.shop, "saved": saved, "changes": rules, "effect": asdict(would)})
    else:
        for answer in refused:
            console.print(f"[red]{escape(answer.detail)}[/]", soft_wrap=True)
        console.print(_end(catalogue, wish, saved), soft_wrap=True)
    return FAILED if refused else 0


async def _saved(settings: Settings, shop: str, wish: MappingChange) -> list[CommandSettled]:
    asked = [
        MappingRequested(shop=shop, group=g, rule=rule, **requests.command_header()) for g, rule in wish.changes.items()
    ]
    return [await requests.request(settings, one, wish.patience) for one in asked]


def _end(catalogue: KnownCatalogue, wish: MappingChange, saved: bool) -> str:
    if saved:
        return f"Saved; {FOLLOWS[catalogue.settings.flows.catalogue]}."
    return "Not saved." if wish.yes else "Nothing is saved yet; the same with --yes saves it."


def show_effect(catalogue: KnownCatalogue, changes: Changes, would: MappingEffect) -> None:
    """The changes, and how many items would fare otherwise."""
    for group, rule in changes.items():
        name = escape(catalogue.names.get(group, group))
        console.print(f"[bold]{name}[/] ({group}) in shop {catalogue.shop}: {describe_rule(rule)}", soft_wrap=True)
    rows = (
        (would.appear, "items would appear", _known(would.known_appear, "linked already")),
        (would.moved, "would change category", _kept(catalogue, would)),
        (would.skipped, "would be skipped", _known(would.known_skipped, "in the shop: they stay there, as they are")),
    )
    console.print(build_table(("", "", ""), rows, right=(0,)))


def _known(count: int, what: str) -> str:
    return f"{count} {what}" if count else ""


def _kept(catalogue: KnownCatalogue, would: MappingEffect) -> str:
    owner = catalogue.settings.fields.category
    if not would.known_moved:
        return ""
    how = "they move" if owner == "always" else f"shops.{catalogue.shop}.fields.category is {owner}"
    return f"{would.known_moved} are in the shop: {how}"
