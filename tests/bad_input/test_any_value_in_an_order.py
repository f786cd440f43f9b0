"""Any value in any field of an order or refund is read or refused by name; unused fields are never refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.envelope import decode, headers, value, wrap
from contracts.json_text import digest_of
from contracts.shop import OrderChanged
from services.connectors.woocommerce.order import order_changed
from services.connectors.woocommerce.read import ReadError
from services.connectors.woocommerce.refund import refund_issued
from tests.bad_input.odd_orders import LINE, NOW, SHIPPING, TAXED, UNBOOKED_FIELDS, booked, comparable, with_

SCALARS = (
    st.just("\ud800")
    | st.none()
    | st.booleans()
    | st.integers(min_value=-(2**80), max_value=2**80)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec=None), max_size=8)
    | st.sampled_from(["", "0", "1,234.50", "1e5", "-0.00", "0000-00-00 00:00:00", "yes", "\ud800", "12:00", "9" * 99])
)
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
)
REFUND: dict[str, Any] = {
    "id": 5002,
    "amount": "52.50",
    "reason": "",
    "date_created_gmt": "2026-11-19T10:00:00",
    "meta_data": [],
    "line_items": [
        LINE | {"id": 21, "quantity": -1, "total": "-42.37", "total_tax": "-7.63", "meta_data": [{"key": "a"}]}
    ],
    "shipping_lines": [SHIPPING | {"id": 22, "total": "-2.12", "total_tax": "-0.38"}],
    "fee_lines": [],
}
FULL = TAXED | {"refunds": [{"id": 5002, "reason": "", "total": "-52.50"}], "coupon_lines": [{"id": 7, "code": "x"}]}


def places(record: Any, *way: Any) -> Iterator[tuple[Any, ...]]:
    """The way to every value inside a record."""
    inner = record.items() if isinstance(record, dict) else enumerate(record) if isinstance(record, list) else ()
    for name, each in inner:
        yield (*way, name)
        yield from places(each, *way, name)


def replaced(record: dict[str, Any], way: tuple[Any, ...], meant: Any) -> Any:
    """The record as the shop would answer it with another value in this place."""
    changed: Any = deepcopy(record)
    inner = changed
    for step in way[:-1]:
        inner = inner[step]
    inner[way[-1]] = meant
    return json.loads(json.dumps(changed), parse_float=Decimal)


@pytest.mark.claim("K30")
@settings(max_examples=300, deadline=None)
@given(st.sampled_from(UNBOOKED_FIELDS), ANYTHING)
def test_no_value_in_an_unused_field_prevents_booking(path: str, meant: Any) -> None:
    order = json.loads(json.dumps(with_(TAXED, **{path: meant})), parse_float=Decimal)
    assert comparable(booked(order_changed("main", order))) == comparable(booked(order_changed("main", TAXED)))


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(list(places(FULL))), ANYTHING)
def test_an_order_with_any_value_is_read_or_refused_by_name(way: tuple[Any, ...], meant: Any) -> None:
    order = replaced(FULL, way, meant)
    digest_of(order)
    try:
        fact = order_changed("main", order, personal_id_keys=("a",), payment_reference_keys=("a",))
    except ReadError as error:
        assert error.detail.startswith("shop main: order")
        assert "field `" in error.detail
    else:
        envelope = wrap(fact, version=1, source="/test", time=NOW)
        assert isinstance(decode(headers(envelope), value(envelope)).data, OrderChanged)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(list(places(REFUND))), ANYTHING)
def test_a_refund_with_any_value_is_read_or_refused_by_name(way: tuple[Any, ...], meant: Any) -> None:
    with suppress(ReadError):
        fact = refund_issued("main", FULL, replaced(REFUND, way, meant))
        value(wrap(fact, version=1, source="/test", time=NOW))


@settings(max_examples=50, deadline=None)
@given(ANYTHING)
def test_a_record_that_is_not_an_order_is_refused(answer: Any) -> None:
    with pytest.raises(ReadError):
        order_changed("main", answer)
    with pytest.raises(ReadError):
        refund_issued("main", FULL, answer)
