"""Explanations of order rules: which rule decided, which orders are held, the rules of shipping methods."""

from __future__ import annotations

import tomllib
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from contracts.envelope import wrap
from contracts.model import Event
from contracts.sales_orders import SalesOrderEnded, SalesOrderRecorded
from contracts.shop import OrderChanged, OrderRemoved
from services.cli.orders.states import ExportState, list_order_states
from services.cli.rule_explanation import explain_known_order, explain_rules, format_wait
from services.cli.rules import is_current, match_methods, zones_to_toml
from services.connectors.woocommerce.client import WooCommerce
from services.console.model.history import collect_facts
from services.sandbox.woocommerce.app import create_shop
from services.settings.model import Settings
from tests.subscribers.story import sample_of
from tests.support.exporting import KEY, ORDER, PAID, SHOP, line, order, push, recorded_sale, settings

LARGE = {"name": "large", "total_above": "100", "document": "hold"}
PICKUP = {"name": "pickup", "shipping_method": "local_pickup", "warehouse": "Vake", "waybill": False}
TABLE = {"Georgia": ["flat_rate:1", "free_shipping:2", "local_pickup:3"]}


def bought(gross: str = "20.00", order_id: int = ORDER, **fields: Any) -> OrderChanged:
    return order(line(1, gross), order_id=order_id, number=str(order_id), **fields)


def list_held(using: Settings, *events: Event, after: float = 0) -> list[tuple[int, str]]:
    """The orders held that many seconds after the payment, with the reasons shown."""
    return [(one.order_id, one.why) for one in all_of(using, *events, after=after) if one.state == "held"]


def all_of(using: Settings, *events: Event, after: float = 0) -> list[ExportState]:
    """The states of the orders of these events that many seconds after the payment."""
    envelopes = [wrap(event, version=n, source="t", time=PAID) for n, event in enumerate(events, 1)]
    return list_order_states(collect_facts(envelopes), using.shops, PAID + timedelta(seconds=after))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (440, "7 min 20 s"),
        (60, "1 min"),
        (59.6, "1 min"),
        (3, "3 s"),
        (0, "0 s"),
        (3900, "1 h 5 min"),
        (90000, "1 d 1 h"),
    ],
)
def test_a_wait_is_formatted_in_its_two_largest_units(seconds: float, words: str) -> None:
    assert format_wait(timedelta(seconds=seconds)) == words


@pytest.mark.claim("S2.20")
def test_a_held_order_has_its_remaining_time_and_rule() -> None:
    using = settings(hold_for={"bog": 600}, rules=[LARGE])
    held = list_held(using, bought(), bought("200.00", 1043), after=160)
    assert held == [
        (ORDER, "exported in 7 min 20 s (orders.hold-for.bog)"),
        (1043, 'on hold by rule "large"; to export it: davtari push order 1043 --shop main'),
    ]
    assert list_held(using, bought(), after=600) == []


GONE = OrderRemoved(shop=SHOP, order_id=ORDER, observed_at=PAID)


@pytest.mark.parametrize(
    "then",
    [
        bought(status="cancelled"),
        bought(status="pending", paid_at=None),
        GONE,
        recorded_sale(bought(), settings()),
        push(),
    ],
    ids=["cancelled", "not triggered", "removed", "sold", "pushed"],
)
def test_orders_without_a_hold_are_not_listed(then: Event) -> None:
    assert list_held(settings(hold=600.0), bought()) != []
    assert list_held(settings(hold=600.0), bought(), then) == []
    assert list_held(settings("off", hold=600.0), bought()) == []


def test_an_order_state_has_the_time_of_export_and_the_reason() -> None:
    using = settings(hold=600.0, rules=[LARGE, PICKUP])
    envelopes = [wrap(bought(), version=1, source="t", time=PAID)]
    found = explain_known_order(using, KEY, envelopes, PAID + timedelta(minutes=9))
    assert found is not None
    assert found.when == "exported in 1 min (orders.hold)"
    assert [(rule.name, rule.holds) for rule in found.rules] == [('rule "large"', False), ('rule "pickup"', False)]
    assert explain_known_order(using, "main:9", envelopes) is None


def test_an_order_whose_goods_are_reserved_is_neither_watched_nor_held() -> None:
    using = settings(rules=[{"status": "on-hold", "document": "sales-order"}])
    waiting = bought(status="on-hold", paid_at=None)
    reserved, ended = sample_of(SalesOrderRecorded), sample_of(SalesOrderEnded)
    same = {"shop": SHOP, "order_id": ORDER}
    events = (waiting, reserved.model_copy(update=same), ended.model_copy(update=same))
    assert [one.state for one in all_of(using, *events[:1])] == ["watching"]
    assert [one.state for one in all_of(using, *events[:2])] == ["reserved"]
    assert [one.state for one in all_of(using, *events)] == ["watching"]


@pytest.mark.claim("S4.31")
def test_the_explanation_names_the_deciding_rules() -> None:
    using = settings(rules=[PICKUP, {"total_above": "10", "hold": 60}]).shops[SHOP].orders
    way = line(2, "0.00", kind="shipping", method_id="local_pickup", instance_id="3")
    found = explain_rules(order(line(1, "20.00"), way), using, PAID)
    assert [(one.effect, one.value, one.by) for one in found.decided] == [
        ("document", "sale", "no rule"),
        ("warehouse", "Vake", 'rule "pickup"'),
        ("hold", "60 s", "rule 2"),
        ("shipping-item", str(using.shipping_item), "orders.shipping-item"),
        ("waybill", "no", 'rule "pickup"'),
    ]
    assert (found.rules[1].conditions, found.rules[1].effects) == ("total-above = 10", "hold = 60.0")
    assert found.when == "exported in 1 min (rule 2)"


@pytest.mark.parametrize(
    ("fields", "when"),
    [
        ({}, "exported at once"),
        ({"status": "on-hold", "paid_at": None}, "waiting for its trigger: it is on-hold, not paid"),
    ],
)
def test_the_explanation_states_when_the_order_is_exported(fields: dict[str, Any], when: str) -> None:
    assert explain_rules(bought(**fields), settings().shops[SHOP].orders, PAID).when == when


# -- shipping


@pytest.fixture
def shop() -> WooCommerce:
    sandbox = create_shop(now=lambda: PAID)
    keys = sandbox.state.shop.settings.keys[0]
    using = settings().shops[SHOP].model_copy(update={"url": "https://localhost"})
    transport = httpx.ASGITransport(app=sandbox)
    key, secret = SecretStr(keys.consumer_key), SecretStr(keys.consumer_secret)
    return WooCommerce(SHOP, using, key, secret, clock=lambda: PAID, transport=transport)


@pytest.mark.claim("S4.26")
async def test_shipping_methods_are_listed_with_their_rules(shop: WooCommerce) -> None:
    zoned = {"name": "zone", "shipping_zone": "Georgia", "total_above": "50", "shipping_item": "post"}
    using = settings(rules=[PICKUP, zoned, LARGE], shipping_zones=TABLE).shops[SHOP].orders
    async with shop:
        methods = (await shop.shipping_methods()).records
    found = match_methods(methods, using)
    assert [(one.zone, one.method, one.title, len(one.rules)) for one in found] == [
        ("Georgia", "flat_rate:1", "Courier", 1),
        ("Georgia", "free_shipping:2", "Free shipping", 1),
        ("Georgia", "local_pickup:3", "Local pickup", 2),
    ]
    assert found[0].rules == ('rule "zone": shipping-item = post if shipping-zone = Georgia and total-above = 50',)
    assert is_current(methods, using)
    assert not is_current(methods, settings().shops[SHOP].orders)
    pasted = tomllib.loads(zones_to_toml(SHOP, methods))
    assert pasted["shops"][SHOP]["orders"]["shipping-zones"] == TABLE


def test_totals_of_held_orders_are_exact() -> None:
    envelopes = [wrap(bought("200.10"), version=1, source="t", time=PAID)]
    assert list_order_states(collect_facts(envelopes), settings(rules=[LARGE]).shops, PAID)[0].total == Decimal(
        "200.10"
    )
