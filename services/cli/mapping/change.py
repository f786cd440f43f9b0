"""Changing the mapping: show what would follow; save it when a person says yes."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from rich.markup import escape

from contracts.operations import CommandSettled, MappingRequested
from services.cli import requests
from services.cli.command import FAILED
from services.cli.mapping.effect import Changes, Effect, effect
from services.cli.mapping.rule_text import told
from services.cli.plans.catalogue import Catalogue
from services.cli.screen import build_table, console, print_json
from services.settings.model import Settings

FOLLOWS = {
    "off": "the catalogue flow is off: nothing follows yet",
    "dry-run": "the catalogue flow is in dry-run: davtari plan items shows what follows, nothing is written",
    "live": "the catalogue flow is live: what follows is written at once",
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person wants changed, and how: `yes` saves it, else it is only shown."""

    changes: Changes
    yes: bool
    patience: float
    json: bool


async def carry_out(settings: Settings, catalogue: Catalogue, wish: Wish) -> int:
    """Show the effect; save the changes if that is wished. Gives the exit code."""
    would = effect(catalogue, wish.changes)
    if not wish.json:
        show(catalogue, wish.changes, would)
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


async def _saved(settings: Settings, shop: str, wish: Wish) -> list[CommandSettled]:
    asked = [
        MappingRequested(shop=shop, group=g, rule=rule, **requests.command_header()) for g, rule in wish.changes.items()
    ]
    return [await requests.request(settings, one, wish.patience) for one in asked]


def _end(catalogue: Catalogue, wish: Wish, saved: bool) -> str:
    if saved:
        return f"Saved; {FOLLOWS[catalogue.settings.flows.catalogue]}."
    return "Not saved." if wish.yes else "Nothing is saved yet; the same with --yes saves it."


def show(catalogue: Catalogue, changes: Changes, would: Effect) -> None:
    """The changes, and how many items would fare otherwise."""
    for group, rule in changes.items():
        name = escape(catalogue.names.get(group, group))
        console.print(f"[bold]{name}[/] ({group}) in shop {catalogue.shop}: {told(rule)}", soft_wrap=True)
    rows = (
        (would.appear, "items would appear", _known(would.known_appear, "linked already")),
        (would.moved, "would change category", _kept(catalogue, would)),
        (would.skipped, "would be skipped", _known(would.known_skipped, "in the shop: they stay there, as they are")),
    )
    console.print(build_table(("", "", ""), rows, right=(0,)))


def _known(count: int, what: str) -> str:
    return f"{count} {what}" if count else ""


def _kept(catalogue: Catalogue, would: Effect) -> str:
    owner = catalogue.settings.fields.category
    if not would.known_moved:
        return ""
    how = "they move" if owner == "always" else f"shops.{catalogue.shop}.fields.category is {owner}"
    return f"{would.known_moved} are in the shop: {how}"
