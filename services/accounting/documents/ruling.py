"""What the rules make of an order: document, warehouses, hold, shipping item, waybill; and which rule said so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from contracts.shop import OrderChanged
from services.accounting.documents.conditions import holds
from services.settings.order_rules import DocumentKind, OrderRule
from services.settings.orders import OrderSettings


@dataclass(frozen=True, slots=True)
class Ruling:
    """The effects that hold for an order. `by` names for each effect the rule or setting that decided it.

    `hold` is in seconds, `warehouses` in order of preference; `waybill` is None where nothing is to be said of it.
    """

    document: DocumentKind
    warehouses: tuple[str, ...]
    hold: float
    shipping_item: str | None
    waybill: bool | None
    by: Mapping[str, str]

    def applied(self, settings: OrderSettings, warehouse: str | None) -> OrderSettings:
        """The settings of the shop as they hold for this order, which leaves this warehouse."""
        ruled = {"shipping_item": self.shipping_item, "waybill": self.waybill, "warehouse": warehouse}
        same = all(getattr(settings, name) == value for name, value in ruled.items())
        return settings if same else settings.model_copy(update=ruled)


def ruling_of(order: OrderChanged, settings: OrderSettings) -> Ruling:
    """The first rule that holds decides each effect; what no rule decides is as the settings beside them say."""
    decided = dict(_decided(order, settings))
    values: dict[str, Any] = {effect: value for effect, (value, _) in decided.items()}
    return Ruling(
        document=values["document"],
        warehouses=values["warehouse"],
        hold=values["hold"],
        shipping_item=values["shipping_item"],
        waybill=values["waybill"],
        by={effect: source for effect, (_, source) in decided.items()},
    )


def document_of(order: OrderChanged, settings: OrderSettings) -> DocumentKind:
    """Which document the rules want of the order."""
    return ruling_of(order, settings).document if settings.rules else "sale"


def hold_of(order: OrderChanged, settings: OrderSettings) -> float:
    """For how many seconds the order is held after its trigger (claim S2.20)."""
    return ruling_of(order, settings).hold if settings.rules else _held(order, settings)[0]


def rule_name(rule: OrderRule, settings: OrderSettings) -> str:
    """How a rule is called to a person: by its name, else by its place, from 1."""
    return f'rule "{rule.name}"' if rule.name else f"rule {settings.rules.index(rule) + 1}"


def _decided(order: OrderChanged, settings: OrderSettings) -> Iterator[tuple[str, tuple[Any, str]]]:
    """Each effect with its value and what decided it; a later pair of the same effect stands over an earlier one."""
    yield "document", ("sale", "no rule")
    yield "warehouse", _warehouses(settings)
    yield "hold", _held(order, settings)
    yield "shipping_item", (settings.shipping_item, "orders.shipping-item")
    yield "waybill", (settings.waybill, "orders.waybill")
    for rule in reversed(settings.rules):
        if holds(rule, order, settings):
            for effect in rule.effects:
                yield effect, (getattr(rule, effect), rule_name(rule, settings))


def _warehouses(settings: OrderSettings) -> tuple[tuple[str, ...], str]:
    default = (settings.warehouse,) if settings.warehouse else ()
    if not settings.warehouses:
        return default, "orders.warehouse"
    return tuple(dict.fromkeys((*settings.warehouses, *default))), "orders.warehouses"


def _held(order: OrderChanged, settings: OrderSettings) -> tuple[float, str]:
    """By payment method and status, by method, by status, else for all alike."""
    method, status = order.payment_method, order.status
    for key in (f"{method}/{status}", method, f"{method}/*", f"*/{status}"):
        if key in settings.hold_for:
            return settings.hold_for[key], f"orders.hold-for.{key}"
    return settings.hold, "orders.hold"
