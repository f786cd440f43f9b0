"""Rules: conditions that an order meets or not, the first that holds decides, and what no rule decides stays."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from contracts.shop import Address, OrderChanged
from services.accounting.documents.order_rules import apply_rules, matches_rule
from services.accounting.documents.trigger import due_at, has_unmapped_status, is_due, is_triggered
from services.settings.order_rules import OrderRule
from services.settings.orders import OrderSettings
from tests.support.exporting import COMPANY_ID, PAID, PERSONAL_ID, buyer, line, order

ZONES = {"Tbilisi": ("flat_rate:3", "local_pickup:5"), "Regions": ("flat_rate:4",)}


def rules(*rule: dict[str, Any], **fields: Any) -> OrderSettings:
    return OrderSettings.model_validate({"rules": rule, "shipping_zones": ZONES, **fields})


def shipped(method: str = "flat_rate", instance: str = "3", point: str = "", **fields: Any) -> OrderChanged:
    """An order over 30 GEL, by courier by default."""
    way = line(2, "5.00", kind="shipping", method_id=method, instance_id=instance, pickup_point=point)
    return order(line(1, "25.00"), way, **fields)


def living_in(**address: Any) -> dict[str, Any]:
    return {"person": buyer(shipping=Address(**address))}


MET = [
    ({}, shipped()),
    ({"payment-method": "bog"}, shipped()),
    ({"payment-method": ["tbc", "BOG"]}, shipped()),
    ({"shipping-method": "flat_rate"}, shipped()),
    ({"shipping-method": "flat_rate:3"}, shipped()),
    ({"shipping-zone": "tbilisi"}, shipped()),
    ({"shipping-zone": "Tbilisi"}, shipped("local_pickup", "5")),
    ({"pickup-point": "Vake "}, shipped("pickup_location", "0", "vake")),
    ({"status": "processing"}, shipped()),
    ({"country": "ge"}, shipped(person=buyer())),
    ({"country": "AM", "city": "Yerevan"}, shipped(**living_in(country="AM", city="Yerevan"))),
    ({"customer": "company"}, shipped(person=buyer(company_id=COMPANY_ID, personal_id=PERSONAL_ID))),
    ({"customer": "person"}, shipped(person=buyer(company_id="12", personal_id=PERSONAL_ID))),
    ({"customer": ["company", "retail"]}, shipped(person=buyer(personal_id="1"))),
    ({"customer": "retail"}, shipped()),
    ({"currency": "GEL", "total-above": "29.99", "total-below": "30.01"}, shipped()),
]
NOT_MET = [
    ({"payment-method": "cod"}, shipped()),
    ({"shipping-method": "flat_rate:4"}, shipped()),
    ({"shipping-method": "flat_rate"}, order(line(1, "25.00"))),
    ({"shipping-zone": "Regions"}, shipped()),
    ({"shipping-zone": "Tbilisi"}, shipped("flat_rate", "")),
    ({"pickup-point": "Vake"}, shipped("pickup_location", "0")),
    ({"status": ["on-hold", "pending"]}, shipped()),
    ({"country": "GE"}, shipped(**living_in(country="AM"))),
    ({"country": "GE"}, shipped()),
    ({"city": "Batumi"}, shipped(person=buyer())),
    ({"customer": "company"}, shipped(person=buyer(personal_id=PERSONAL_ID))),
    ({"currency": "USD"}, shipped()),
    ({"total-above": "30.00"}, shipped()),
    ({"total-below": "30.00"}, shipped()),
    ({"payment-method": "bog", "status": "on-hold"}, shipped()),
]


@pytest.mark.claim("S4.26")
@pytest.mark.parametrize(("conditions", "of", "expected"), [(*m, True) for m in MET] + [(*m, False) for m in NOT_MET])
def test_a_rule_matches_when_all_its_conditions_are_met(
    conditions: dict[str, Any], of: OrderChanged, expected: bool
) -> None:
    rule = OrderRule.model_validate({**conditions, "document": "hold" if "status" not in conditions else "sale"})
    assert matches_rule(rule, of, rules()) is expected


@pytest.mark.claim("S4.26")
def test_rules_over_shipping_methods_decide_delivery_item_warehouse_and_waybill() -> None:
    using = rules(
        {"name": "courier", "shipping-method": "flat_rate", "shipping-item": "courier", "waybill": True},
        {"name": "pickup", "pickup-point": "Vake", "warehouse": "Vake", "waybill": False},
        shipping_item="post",
        warehouse="Main",
    )
    courier, pickup = apply_rules(shipped(), using), apply_rules(shipped("pickup_location", "0", "Vake"), using)
    assert (courier.shipping_item, courier.warehouses, courier.waybill) == ("courier", ("Main",), True)
    assert (pickup.shipping_item, pickup.warehouses, pickup.waybill) == ("post", ("Vake",), False)
    assert (courier.by["waybill"], courier.by["warehouse"]) == ('rule "courier"', "orders.warehouse")


def test_each_effect_is_decided_by_the_first_matching_rule() -> None:
    using = rules(
        {"payment-method": "bog", "hold": 60},
        {"payment-method": "tbc", "hold": 1, "document": "hold"},
        {"hold": 5, "warehouse": ["A", "B"]},
        hold=600,
    )
    ruling = apply_rules(shipped(), using)
    assert (ruling.document, ruling.hold, ruling.warehouses) == ("sale", 60, ("A", "B"))
    assert dict(ruling.by) == {
        "document": "no rule",
        "warehouse": "rule 3",
        "hold": "rule 1",
        "shipping_item": "orders.shipping-item",
        "waybill": "orders.waybill",
    }


@pytest.mark.claim("S4.31")
@pytest.mark.parametrize(("document", "triggered"), [("sale", True), ("sales-order", False), ("hold", False)])
def test_only_orders_that_become_sales_by_the_rules_are_due(document: str, triggered: bool) -> None:
    using = rules({"document": document, "status": "processing"})
    assert is_triggered(shipped(), using) is triggered


def test_a_status_used_by_a_rule_counts_as_mapped() -> None:
    packed = shipped(status="packed")
    assert has_unmapped_status(packed, rules())
    assert not has_unmapped_status(packed, rules({"status": "packed", "document": "hold"}))


@pytest.mark.claim("S2.20")
@pytest.mark.parametrize(
    ("hold_for", "rule", "seconds"),
    [
        ({}, (), 30),
        ({"bog": 600}, (), 600),
        ({"bog": 600, "bog/processing": 60}, (), 60),
        ({"*/processing": 90}, (), 90),
        ({"*/processing": 90, "bog": 600}, (), 600),
        ({"cod": 600, "*/completed": 90}, (), 30),
        ({"bog": 600}, ({"payment-method": "bog", "hold": 0},), 0),
    ],
)
def test_the_hold_depends_on_method_and_status_or_a_rule(
    hold_for: dict[str, float], rule: tuple[dict[str, Any], ...], seconds: float
) -> None:
    using = rules(*rule, hold_for=hold_for, hold=30)
    of = shipped()
    assert due_at(of, using) == PAID + timedelta(seconds=seconds)
    assert is_due(of, using, PAID + timedelta(seconds=seconds))
    assert not is_due(of, using, PAID + timedelta(seconds=seconds - 1)) or seconds == 0


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"payment-method": "bog"}, "a rule needs an effect"),
        ({"document": "sales-order"}, "needs status"),
        ({"warehouse": []}, "warehouse is empty"),
        ({"hold": -1}, "greater than or equal to 0"),
        ({"script": "total > 3", "hold": 1}, "Extra inputs"),
        ({"total-above": 3.5, "hold": 1}, "write an amount as text"),
        ({"shipping-zone": "Mars", "hold": 1}, "shipping-zones has no zone 'Mars'"),
    ],
)
def test_an_invalid_rule_is_refused_with_the_correct_form(rule: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        rules(rule)


def test_amounts_of_rules_are_exact() -> None:
    assert OrderRule.model_validate({"total-above": "0.10", "hold": 1}).total_above == Decimal("0.10")
