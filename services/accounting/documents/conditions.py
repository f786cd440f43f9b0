"""Whether an order meets the conditions of a rule (claims S4.26, S4.31): a closed vocabulary, nothing is evaluated."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from contracts.shop import Address, OrderChanged
from services.accounting.documents.person_number import customer_kind
from services.settings.order_rules import DocumentSettings, OrderRule


def holds(rule: OrderRule, order: OrderChanged, settings: DocumentSettings) -> bool:
    """Whether all conditions that the rule gives hold for the order; a rule without any always does."""
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
    """Whether one of the texts is there; letter case and outer blanks do not matter, an empty text is none."""
    there = {text.strip().casefold() for text in found} - {""}
    return any(text.strip().casefold() in there for text in wanted)


def _total_holds(rule: OrderRule, order: OrderChanged) -> bool:
    above = rule.total_above is None or order.total > rule.total_above
    return above and (rule.total_below is None or order.total < rule.total_below)


def _place(order: OrderChanged) -> Address:
    """Where the goods go: the shipping address where one was given, else the billing one."""
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
    """The zones of the order's shipping methods. API fact: an instance of a method belongs to one zone."""
    methods = shipping_methods(order)
    return tuple(zone for zone, of_zone in settings.shipping_zones.items() if _meet(of_zone, methods))
