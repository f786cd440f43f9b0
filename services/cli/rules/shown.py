"""How the rules and what they decide are shown on a terminal."""

from __future__ import annotations

from rich.markup import escape

from services.cli.rules.explained import Explained
from services.cli.screen import build_table, console


def show(found: Explained) -> None:
    """Print what the rules make of an order."""
    for rule in found.rules:
        line = escape(f"{rule.name}: {rule.effects}   if {rule.conditions}")
        console.print(f"  {'[green]✓[/]' if rule.holds else '[dim]–[/]'} {line}", soft_wrap=True)
    console.print(build_table(("effect", "value", "decided by"), [(d.effect, d.value, d.by) for d in found.decided]))
    console.print(found.when, markup=False, soft_wrap=True)
