"""Explains the order rules: which rule decided what, and how long an order is held (claim S2.20)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from contracts.envelope import Envelope
from contracts.model import Event
from contracts.shop import OrderChanged
from services.accounting.documents.hold import OrderHold, find_hold
from services.accounting.documents.order_rules import RuleEffects, apply_rules, matches_rule, rule_name
from services.accounting.documents.trigger import is_triggered
from services.cli.screen import build_table, compose, console, styled
from services.settings.model import Settings
from services.settings.order_rules import OrderRule
from services.settings.orders import OrderSettings


def describe_hold(hold: OrderHold, now: datetime) -> str:
    """The end of a hold in words."""
    if hold.until is None:
        return f"on hold by {hold.by}; to export it: davtari push order {hold.order_id} --shop {hold.shop}"
    return f"exported in {format_wait(hold.until - now)} ({hold.by})"


def format_wait(wait: timedelta) -> str:
    """Format a duration in its two largest units: `7 min 20 s`."""
    seconds = max(0, round(wait.total_seconds()))
    units = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
    start = next((n for n, (_, size) in enumerate(units) if seconds >= size), len(units) - 1)
    parts: list[str] = []
    for name, size in units[start : start + 2]:
        count, seconds = divmod(seconds, size)
        parts += [f"{count} {name}"] if count or not parts else []
    return " ".join(parts)


CONDITIONS = (
    "payment_method", "shipping_method", "shipping_zone", "pickup_point", "status", "country", "city", "customer",
    "currency", "total_above", "total_below",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RuleText:
    """A rule as text. `holds`: whether its conditions are met."""

    name: str
    conditions: str
    effects: str
    holds: bool


@dataclass(frozen=True, slots=True)
class DecidedEffect:
    """An effect, its value, and the rule or setting that decided it."""

    effect: str
    value: str
    by: str


@dataclass(frozen=True, slots=True)
class RuleExplanation:
    """The rules and their decision; `when` states when the document is exported."""

    rules: tuple[RuleText, ...]
    decided: tuple[DecidedEffect, ...]
    when: str


def explain_rules(order: OrderChanged, settings: OrderSettings, now: datetime) -> RuleExplanation:
    """Explain which rule decided what for an order."""
    ruling = apply_rules(order, settings)
    rules = tuple(describe_order_rule(rule, settings, matches_rule(rule, order, settings)) for rule in settings.rules)
    return RuleExplanation(rules, _decided(ruling), _when(order, settings, ruling, now))


def describe_order_rule(rule: OrderRule, settings: OrderSettings, is_met: bool = False) -> RuleText:
    """Describe a rule: its conditions and effects as in the settings."""
    given = [name for name in CONDITIONS if getattr(rule, name) not in ((), None)]
    conditions = [f"{name.replace('_', '-')} = {_words(getattr(rule, name))}" for name in given]
    effects = [f"{name.replace('_', '-')} = {_words(getattr(rule, name))}" for name in rule.effects]
    return RuleText(rule_name(rule, settings), " and ".join(conditions) or "always", ", ".join(effects), is_met)


def _decided(ruling: RuleEffects) -> tuple[DecidedEffect, ...]:
    values = {
        "document": ruling.document,
        "warehouse": ruling.warehouses,
        "hold": f"{ruling.hold:g} s",
        "shipping_item": ruling.shipping_item,
        "waybill": ruling.waybill,
    }
    return tuple(
        DecidedEffect(effect.replace("_", "-"), _words(value), ruling.by[effect]) for effect, value in values.items()
    )


def _words(value: object) -> str:
    if isinstance(value, tuple):
        return " or ".join(map(str, value)) or "not set"
    if value is None:
        return "not set"
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _when(order: OrderChanged, settings: OrderSettings, ruling: RuleEffects, now: datetime) -> str:
    hold = find_hold(order, settings, now)
    if hold is not None:
        return describe_hold(hold, now)
    if ruling.document == "sale" and not is_triggered(order, settings):
        return f"waiting for its trigger: it is {order.status}, {'paid' if order.paid_at else 'not paid'}"
    return "exported at once"


def explain_known_order(
    chosen: Settings, key: str, envelopes: Sequence[Envelope[Event]], at: datetime | None = None
) -> RuleExplanation | None:
    """Explain the rules for the order `shop:id`, now or at a time; None if the order is unknown."""
    shop = chosen.shops.get(key.partition(":")[0])
    orders = [one.data for one in envelopes if isinstance(one.data, OrderChanged) and one.data.key == key]
    return explain_rules(orders[-1], shop.orders, at or datetime.now(UTC)) if shop and orders else None


def show_explanation(found: RuleExplanation) -> None:
    """Print which rules are met and what they decide."""
    for rule in found.rules:
        mark = styled("✓", "green") if rule.holds else styled("–", "dim")
        console.print(compose("  ", mark, f" {rule.name}: {rule.effects}   if {rule.conditions}"), soft_wrap=True)
    console.print(build_table(("effect", "value", "decided by"), [(d.effect, d.value, d.by) for d in found.decided]))
    console.print(found.when, soft_wrap=True)
