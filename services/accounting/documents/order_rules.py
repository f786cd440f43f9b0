"""Applies the order rules of the settings: document, warehouses, hold, shipping item and waybill of an order.

Conditions are a closed vocabulary; nothing is evaluated (claims S4.26, S4.31).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from contracts.shop import Address, OrderChanged, Person
from services.settings.order_rules import CustomerKind, DocumentKind, DocumentSettings, OrderRule
from services.settings.orders import OrderSettings

# Numbers by which Georgia knows companies and people (claim I12), and what sort of customer they make.

NUMBERS = {"company": re.compile(r"\d{9}|\d{11}", re.ASCII), "person": re.compile(r"\d{11}", re.ASCII)}
"""A company has 9 digits, a person 11, a sole trader trades under the personal 11."""


def valid_number(number: str | None, kind: str) -> str | None:
    """The digits of a number if they can be those of a company or person, else None."""
    digits = re.sub(r"[\s-]", "", number or "")
    return digits if NUMBERS[kind].fullmatch(digits) else None


def customer_kind(person: Person | None) -> CustomerKind:
    """The kind of buyer: a company's number has precedence over a personal one; without a valid number it is retail."""
    if person is not None and valid_number(person.company_id, "company"):
        return "company"
    return "person" if person is not None and valid_number(person.personal_id, "person") else "retail"


def matches_rule(rule: OrderRule, order: OrderChanged, settings: DocumentSettings) -> bool:
    """Whether the order meets all conditions of the rule; a rule without conditions always matches."""
    return _texts_hold(rule, order, settings) and _total_holds(rule, order)


def _texts_hold(rule: OrderRule, order: OrderChanged, settings: DocumentSettings) -> bool:
    place = _place(order)
    return all(
        not wanted or _meet(wanted, found)
        for wanted, found in (
            (rule.payment_method, [order.payment_method]),
            (rule.shipping_method, shipping_methods(order)),
            (rule.shipping_zone, shipping_zones(order, settings)),
            (rule.pickup_point, [line.pickup_point for line in order.lines if line.kind == "shipping"]),
            (rule.status, [order.status]),
            (rule.country, [place.country]),
            (rule.city, [place.city]),
            (rule.customer, [customer_kind(order.person)]),
            (rule.currency, [order.currency]),
        )
    )


def _meet(wanted: Iterable[str], found: Collection[str]) -> bool:
    """Whether one of the texts occurs; letter case and outer blanks are ignored, an empty text never occurs."""
    there = {text.strip().casefold() for text in found} - {""}
    return any(text.strip().casefold() in there for text in wanted)


def _total_holds(rule: OrderRule, order: OrderChanged) -> bool:
    above = rule.total_above is None or order.total > rule.total_above
    return above and (rule.total_below is None or order.total < rule.total_below)


def _place(order: OrderChanged) -> Address:
    """The destination of the goods: the shipping address if there is one, else the billing address."""
    if order.person is None:
        return Address()
    shipping = order.person.shipping
    return shipping if shipping.country or shipping.city else order.person.billing


def shipping_methods(order: OrderChanged) -> tuple[str, ...]:
    """The order's shipping methods, each by its id and by its instance: `flat_rate`, `flat_rate:3`."""
    lines = [line for line in order.lines if line.kind == "shipping" and line.method_id]
    instances = [f"{line.method_id}:{line.instance_id}" for line in lines if line.instance_id]
    return (*(line.method_id for line in lines), *instances)


def shipping_zones(order: OrderChanged, settings: DocumentSettings) -> tuple[str, ...]:
    """The zones of the order's shipping methods. WooCommerce fact 49: an instance of a method belongs to one zone."""
    methods = shipping_methods(order)
    return tuple(zone for zone, of_zone in settings.shipping_zones.items() if _meet(of_zone, methods))


@dataclass(frozen=True, slots=True)
class RuleEffects:
    """The effects for an order. `by` names for each effect the rule or setting that decided it.

    `hold` is in seconds, `warehouses` in order of preference; `waybill` is None if the document does not state it.
    """

    document: DocumentKind
    warehouses: tuple[str, ...]
    hold: float
    shipping_item: str | None
    waybill: bool | None
    by: Mapping[str, str]

    def applied(self, settings: OrderSettings, warehouse: str | None) -> OrderSettings:
        """The settings of the shop for this order, whose goods leave from this warehouse."""
        ruled = {"shipping_item": self.shipping_item, "waybill": self.waybill, "warehouse": warehouse}
        same = all(getattr(settings, name) == value for name, value in ruled.items())
        return settings if same else settings.model_copy(update=ruled)


def apply_rules(order: OrderChanged, settings: OrderSettings) -> RuleEffects:
    """The first matching rule decides each effect; effects that no rule decides come from the other settings."""
    decided = dict(_decided(order, settings))
    values: dict[str, Any] = {effect: value for effect, (value, _) in decided.items()}
    return RuleEffects(
        document=values["document"],
        warehouses=values["warehouse"],
        hold=values["hold"],
        shipping_item=values["shipping_item"],
        waybill=values["waybill"],
        by={effect: source for effect, (_, source) in decided.items()},
    )


def document_of(order: OrderChanged, settings: OrderSettings) -> DocumentKind:
    """The kind of document for the order."""
    return apply_rules(order, settings).document if settings.rules else "sale"


def hold_of(order: OrderChanged, settings: OrderSettings) -> float:
    """For how many seconds the order is held after its trigger (claim S2.20)."""
    return apply_rules(order, settings).hold if settings.rules else _held(order, settings)[0]


def rule_name(rule: OrderRule, settings: OrderSettings) -> str:
    """The name of a rule in messages: its own, else its position from 1."""
    return f'rule "{rule.name}"' if rule.name else f"rule {settings.rules.index(rule) + 1}"


def _decided(order: OrderChanged, settings: OrderSettings) -> Iterator[tuple[str, tuple[Any, str]]]:
    """Each effect with its value and what decided it; a later pair overrides an earlier one."""
    yield "document", ("sale", "no rule")
    yield "warehouse", _warehouses(settings)
    yield "hold", _held(order, settings)
    yield "shipping_item", (settings.shipping_item, "orders.shipping-item")
    yield "waybill", (settings.waybill, "orders.waybill")
    for rule in reversed(settings.rules):
        if matches_rule(rule, order, settings):
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
