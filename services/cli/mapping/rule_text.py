"""A rule about a group in a person's words, and where it comes from."""

from __future__ import annotations

from contracts.catalog import GroupRule
from services.cli.plans.catalogue import Catalogue
from services.engine.runtime.tbilisi import TBILISI


def told(rule: GroupRule | None) -> str:
    """What a rule says."""
    if rule is None:
        return "as the settings say"
    ids = ", ".join(map(str, rule.category_ids))
    category = f"{'categories' if rule.more_categories else 'category'} {ids}" if ids else ""
    return ", ".join(part for part in (rule.access or "", category) if part) or "no category"


def source(catalogue: Catalogue, group: str) -> str:
    """Who says so: the settings, or a person, and when."""
    change = catalogue.changes.get(group)
    if change is None or change.rule is None:
        return "settings"
    return f"{change.changed_by}, {change.changed_at.astimezone(TBILISI):%d %b %Y %H:%M}"
