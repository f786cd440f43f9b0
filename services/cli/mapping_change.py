"""Shows the effect of a change of the mapping, and saves it on request (claim S0.39)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from contracts.catalog import GroupRule
from contracts.operations import CommandSettled, MappingRequested
from services.accounting.catalogue.eligibility import Eligible, Skip
from services.cli import requests
from services.cli.command import FAILED
from services.cli.plans.catalogue import KnownCatalogue, judge_items
from services.cli.screen import build_table, compose, console, print_json, styled
from services.engine.clock import TBILISI
from services.settings.model import Settings

Changes = Mapping[str, GroupRule | None]
"""Rules by group; None: use the settings."""


@dataclass(frozen=True, slots=True)
class MappingEffect:
    """Numbers of items. `known_*`: those that are already products of the shop."""

    appear: int
    known_appear: int
    moved: int
    known_moved: int
    skipped: int
    known_skipped: int

    @property
    def nothing(self) -> bool:
        """Whether no item is affected."""
        return not (self.appear or self.moved or self.skipped)


def commands_after(catalogue: KnownCatalogue, changes: Changes) -> dict[str, GroupRule]:
    """All mapping commands after the change."""
    kept = {group: rule for group, rule in catalogue.commanded.items() if group not in changes}
    return kept | {group: rule for group, rule in changes.items() if rule is not None}


def compute_effect(catalogue: KnownCatalogue, changes: Changes) -> MappingEffect:
    """Compute how these changes would affect the items."""
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


def describe_rule(rule: GroupRule | None) -> str:
    """Describe a rule."""
    if rule is None:
        return "as in the settings"
    ids = ", ".join(map(str, rule.category_ids))
    category = f"{'categories' if rule.more_categories else 'category'} {ids}" if ids else ""
    return ", ".join(part for part in (rule.access or "", category) if part) or "no category"


def describe_source(catalogue: KnownCatalogue, group: str) -> str:
    """The source of an entry: the settings, or a person and a time."""
    change = catalogue.changes.get(group)
    if change is None or change.rule is None:
        return "settings"
    return f"{change.changed_by}, {change.changed_at.astimezone(TBILISI):%d %b %Y %H:%M}"


CONSEQUENCES = {
    "off": "the catalogue flow is off, so nothing happens yet",
    "dry-run": "the catalogue flow is in dry-run: davtari plan items shows the changes, nothing is written",
    "live": "the catalogue flow is live: the changes are written now",
}


@dataclass(frozen=True, slots=True)
class MappingChange:
    """A requested change; it is saved only if `yes`."""

    changes: Changes
    yes: bool
    patience: float
    json: bool


async def apply_change(settings: Settings, catalogue: KnownCatalogue, wish: MappingChange) -> int:
    """Show the effect, and save the changes if requested. Returns the exit code."""
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
            console.print(styled(answer.detail, "red"), soft_wrap=True)
        console.print(_end(catalogue, wish, saved), soft_wrap=True)
    return FAILED if refused else 0


async def _saved(settings: Settings, shop: str, wish: MappingChange) -> list[CommandSettled]:
    asked = [
        MappingRequested(shop=shop, group=g, rule=rule, **requests.command_header()) for g, rule in wish.changes.items()
    ]
    return [await requests.request(settings, one, wish.patience) for one in asked]


def _end(catalogue: KnownCatalogue, wish: MappingChange, saved: bool) -> str:
    if saved:
        return f"Saved; {CONSEQUENCES[catalogue.settings.flows.catalogue]}."
    return "Not saved." if wish.yes else "Not saved yet. Run the command again with --yes to save."


def show_effect(catalogue: KnownCatalogue, changes: Changes, would: MappingEffect) -> None:
    """Print the changes and the number of affected items."""
    for group, rule in changes.items():
        name = catalogue.names.get(group, group)
        console.print(
            compose(styled(name, "bold"), f" ({group}) in shop {catalogue.shop}: {describe_rule(rule)}"), soft_wrap=True
        )
    rows = (
        (would.appear, "items would be added", _known(would.known_appear, "already linked")),
        (would.moved, "would change category", _kept(catalogue, would)),
        (
            would.skipped,
            "would no longer be sold",
            _known(would.known_skipped, "in the shop; they are kept"),
        ),
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
