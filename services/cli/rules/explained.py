"""What the rules make of one order: each rule, whether it holds, and which one decided what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from contracts.shop import OrderChanged
from services.accounting.documents.conditions import holds
from services.accounting.documents.ruling import Ruling, rule_name, ruling_of
from services.accounting.documents.trigger import is_triggered
from services.cli.rules.countdown import held
from services.settings.order_rules import OrderRule
from services.settings.orders import OrderSettings

CONDITIONS = (
    "payment_method", "shipping_method", "shipping_zone", "pickup_point", "status", "country", "city", "customer",
    "currency", "total_above", "total_below",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RuleTold:
    """A rule in words."""

    name: str
    conditions: str
    effects: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Decided:
    """An effect, its value in words, and the rule or setting that decided it."""

    effect: str
    value: str
    by: str


@dataclass(frozen=True, slots=True)
class Explained:
    """The rules and what they decide; `when` says when the document goes."""

    rules: tuple[RuleTold, ...]
    decided: tuple[Decided, ...]
    when: str


def explained(order: OrderChanged, settings: OrderSettings, now: datetime) -> Explained:
    """Which rule decided what about this order."""
    ruling = ruling_of(order, settings)
    rules = tuple(told(rule, settings, holds(rule, order, settings)) for rule in settings.rules)
    return Explained(rules, _decided(ruling), _when(order, settings, ruling, now))


def told(rule: OrderRule, settings: OrderSettings, is_met: bool = False) -> RuleTold:
    """A rule in words: its conditions and effects as they stand in the settings."""
    given = [name for name in CONDITIONS if getattr(rule, name) not in ((), None)]
    conditions = [f"{name.replace('_', '-')} = {_words(getattr(rule, name))}" for name in given]
    effects = [f"{name.replace('_', '-')} = {_words(getattr(rule, name))}" for name in rule.effects]
    return RuleTold(rule_name(rule, settings), " and ".join(conditions) or "always", ", ".join(effects), is_met)


def _decided(ruling: Ruling) -> tuple[Decided, ...]:
    values = {
        "document": ruling.document,
        "warehouse": ruling.warehouses,
        "hold": f"{ruling.hold:g} s",
        "shipping_item": ruling.shipping_item,
        "waybill": ruling.waybill,
    }
    return tuple(
        Decided(effect.replace("_", "-"), _words(value), ruling.by[effect]) for effect, value in values.items()
    )


def _words(value: object) -> str:
    if isinstance(value, tuple):
        return " or ".join(map(str, value)) or "not set"
    if value is None:
        return "not set"
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _when(order: OrderChanged, settings: OrderSettings, ruling: Ruling, now: datetime) -> str:
    waits = held(order, settings, now)
    if waits is not None:
        return waits.told(now)
    if ruling.document == "sale" and not is_triggered(order, settings):
        return f"waits for its trigger: it is {order.status}, {'paid' if order.paid_at else 'not paid'}"
    return "goes at once"
