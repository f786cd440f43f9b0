"""PHP's habits in orders are taken for what they mean; what the books need and cannot be read is named."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from contracts.reasons import Reason
from contracts.shop import OrderChanged, OrderUnreadable
from services.connectors.woocommerce.order import order_changed
from services.connectors.woocommerce.read import ReadError
from services.engine.outbox.outcome import Done
from tests.bad_input.odd_orders import (
    LINE,
    RATE,
    SHIPPING,
    TAXED,
    UNBOOKED_FIELDS,
    UNTAXED,
    booked,
    comparable,
    looked,
    with_,
    without,
)

NOTHING: dict[str, Any] = {"null": None, "false": False, "an empty text": "", "a blank": " ", "[]": [], "{}": {}}
JUNK: dict[str, Any] = {
    "a text": "junk",
    "a number": 7,
    "a fraction": 1.5,
    "true": True,
    "a list of lists": [[], [], []],
    "a list of null": [None],
    "a list of texts": ["a", "b"],
    "an object": {"a": {"b": [1]}},
    "a number beyond 64 bits": 2**70,
    "half a character": "\ud800",
    "a NUL": "\x00",
    "markup": "<b>&amp;</b>",
}
OPTIONAL_LISTS = ("fee_lines", "coupon_lines", "refunds", "meta_data", "line_items__0__meta_data")

TAXED_HABITS: dict[str, dict[str, Any]] = {
    "custom fields that are empty arrays": with_(TAXED, meta_data=[[], [], []]),
    "custom fields without key or value": with_(TAXED, meta_data=[{"id": 1}, {"key": None}, {"value": {}}, None, 5]),
    "custom fields as an object": with_(TAXED, meta_data={"0": {"key": "a", "value": [1]}, "7": {"key": "b"}}),
    "lists with gaps": with_(
        TAXED,
        line_items={"3": LINE},
        shipping_lines={"0": SHIPPING},
        tax_lines={"1": RATE},
        line_items__3__taxes={"1": LINE["taxes"][0]},
    ),
    "empty entries in every list": with_(
        TAXED,
        line_items=[None, LINE, [], {}],
        shipping_lines=[False, SHIPPING],
        fee_lines=[None, []],
        coupon_lines=[[], None],
        refunds=[[], None, {}],
        tax_lines=[[], RATE, None],
        line_items__1__taxes=[[], LINE["taxes"][0], None],
    ),
    "no optional list at all": without(TAXED, "fee_lines", "coupon_lines", "refunds", "meta_data", "shipping"),
    "no number, so that the id is shown": without(TAXED, "number"),
    "the number as a number": with_(TAXED, number=5001),
    "ids as texts": with_(
        TAXED,
        id="5001",
        customer_id="0",
        line_items__0__id=" 11 ",
        line_items__0__product_id="311",
        line_items__0__variation_id="0",
        line_items__0__taxes=[{"id": "1", "total": 15.254237}],
        tax_lines__0__rate_id="1",
    ),
    "ids as floats": with_(
        TAXED,
        id=5001.0,
        customer_id=0.0,
        line_items__0__id=11.0,
        line_items__0__product_id=311.0,
        tax_lines__0__rate_id=1.0,
    ),
    "amounts as numbers": with_(
        TAXED,
        total=105,
        total_tax=16.01,
        line_items__0__total=84.75,
        line_items__0__total_tax=15.25,
        line_items__0__quantity="2",
        tax_lines__0__rate_percent="18.0000",
    ),
    "blanks around amounts": with_(
        TAXED, total=" 105.00 ", total_tax="\t16.01\n", line_items__0__total="84.75 ", line_items__0__quantity=" 2"
    ),
    "blanks and lower case in codes": with_(TAXED, status=" processing ", currency=" gel "),
    "a quantity with zeros behind the point": with_(TAXED, line_items__0__quantity="2.0000"),
    "an integer quantity as a float": with_(TAXED, line_items__0__quantity=2.0),
    "a deleted product's id as false": with_(TAXED, line_items__0__variation_id=False, line_items__0__sku=False),
    "a rate that does not apply": with_(
        TAXED, line_items__0__taxes=[*LINE["taxes"], {"id": 2, "total": ""}, {"id": 3, "total": None}]
    ),
    "a rate that no line uses and nobody can read": with_(
        TAXED, tax_lines=[RATE, {"rate_id": 9, "rate_percent": "-"}, {"rate_id": "x"}, "junk"]
    ),
    "the order's tax is not stated": with_(TAXED, total_tax=None),
    "subtotals are not stated": with_(TAXED, line_items__0__subtotal=None, line_items__0__subtotal_tax=""),
    "prices include tax as a word": with_(TAXED, prices_include_tax="yes"),
    "prices include tax as a number": with_(TAXED, prices_include_tax=1),
    "prices include tax as a text": with_(TAXED, prices_include_tax="1"),
    "the database's empty date": with_(
        TAXED, date_completed_gmt="0000-00-00 00:00:00", date_modified_gmt="0000-00-00 00:00:00"
    ),
    "the database's empty date as PHP formats it": with_(TAXED, date_completed_gmt="-0001-11-30T00:00:00"),
    "a date with a blank and a zone": with_(TAXED, date_paid_gmt="2026-11-18 09:05:00Z"),
    **{
        f"{path} is {name}": with_(TAXED, **{path: value}) for path in OPTIONAL_LISTS for name, value in NOTHING.items()
    },
    **{f"date_completed_gmt is {name}": with_(TAXED, date_completed_gmt=value) for name, value in NOTHING.items()},
    **{
        f"{path} is {name}": with_(TAXED, **{path: value})
        for path in UNBOOKED_FIELDS
        for name, value in (NOTHING | JUNK).items()
    },
}

UNTAXED_HABITS: dict[str, dict[str, Any]] = {
    **{f"tax_lines is {name}": with_(UNTAXED, tax_lines=value) for name, value in NOTHING.items()},
    **{f"taxes of a line is {name}": with_(UNTAXED, line_items__0__taxes=value) for name, value in NOTHING.items()},
    **{
        f"every tax is {name}": with_(
            UNTAXED,
            total_tax=value,
            line_items__0__total_tax=value,
            line_items__0__subtotal_tax=value,
            shipping_lines__0__total_tax=value,
        )
        for name, value in NOTHING.items()
    },
    "no field says anything of tax": without(
        UNTAXED,
        "tax_lines",
        "total_tax",
        "prices_include_tax",
        "line_items__0__taxes",
        "line_items__0__total_tax",
        "line_items__0__subtotal_tax",
        "shipping_lines__0__taxes",
        "shipping_lines__0__total_tax",
    ),
    "rates with an empty total": with_(UNTAXED, line_items__0__taxes=[{"id": 1, "total": ""}], tax_lines=[RATE]),
}


async def sale(order: dict[str, Any]) -> dict[str, Any]:
    """The Sale that an order comes to."""
    outcome = await looked(order)
    assert isinstance(outcome, Done), outcome
    [fact] = outcome.events
    assert isinstance(fact, OrderChanged)
    return comparable(booked(fact))


@pytest.mark.claim("K30")
@pytest.mark.parametrize("name", TAXED_HABITS)
async def test_each_php_form_of_an_order_gives_the_same_sale(name: str) -> None:
    assert await sale(TAXED_HABITS[name]) == await sale(TAXED)


@pytest.mark.claim("K30")
@pytest.mark.parametrize("name", UNTAXED_HABITS)
async def test_an_untaxed_order_gives_the_same_sale_in_each_form(name: str) -> None:
    assert await sale(UNTAXED_HABITS[name]) == await sale(UNTAXED)


async def test_the_compared_sales_are_the_expected_ones() -> None:
    taxed, untaxed = await sale(TAXED), await sale(UNTAXED)
    assert (taxed["total"], taxed["vat"]) == (Decimal("105.00"), Decimal("16.01"))
    assert (untaxed["total"], untaxed["vat"]) == (Decimal("88.99"), Decimal(0))


NEEDED: dict[str, tuple[dict[str, Any], str]] = {
    "a thousands separator": (with_(TAXED, total="1,234.50"), 'field `total` is "1,234.50", which is not an amount'),
    "a currency sign": (with_(TAXED, total="₾105.00"), 'field `total` is "₾105.00", which is not an amount'),
    "a currency code": (with_(TAXED, total="105.00 GEL"), 'field `total` is "105.00 GEL", which is not an amount'),
    "a decimal comma": (with_(TAXED, total="105,00"), 'field `total` is "105,00", which is not an amount'),
    "an exponent": (with_(TAXED, total="1.05e2"), 'field `total` is "1.05e2", which is not an amount'),
    "NaN": (with_(TAXED, total="NaN"), 'field `total` is "NaN", which is not an amount'),
    "infinity": (with_(TAXED, total="-Infinity"), 'field `total` is "-Infinity", which is not an amount'),
    "digits of another script": (with_(TAXED, total="١٠٥"), 'field `total` is "١٠٥", which is not an amount'),
    "a million millions": (with_(TAXED, total=10**12), "field `total` is 1000000000000, which is not an amount"),
    "a number without end": (with_(TAXED, total=10**4000), "field `total` is a number of more than 40 digits"),
    "true": (with_(TAXED, total=True), "field `total` is true, which is not an amount"),
    "no total": (without(TAXED, "total"), "field `total` is missing"),
    "an empty total": (with_(TAXED, total=""), "field `total` is empty"),
    "tax in words": (with_(TAXED, total_tax="16.01 ₾"), "field `total_tax` is"),
    "a line's amount in words": (with_(TAXED, line_items__0__total="1 234,5"), "field `line_items.0.total` is"),
    "a line's tax in words": (with_(TAXED, line_items__0__total_tax="18%"), "field `line_items.0.total_tax` is"),
    "a line without an amount": (with_(TAXED, line_items__0__total=None), "field `line_items.0.total` is empty"),
    "tax by rate alone": (
        with_(TAXED, line_items__0__total_tax=None),
        "field `line_items.0` is an object, which states tax by rate but no total_tax",
    ),
    "a negative quantity": (
        with_(TAXED, line_items__0__quantity=-2),
        "field `line_items.0.quantity` is -2, which must not be negative",
    ),
    "no quantity": (without(TAXED, "line_items__0__quantity"), "field `line_items.0.quantity` is missing"),
    "a product's id in words": (with_(TAXED, line_items__0__product_id="cup"), '`line_items.0.product_id` is "cup"'),
    "half a product": (with_(TAXED, line_items__0__product_id=311.5), "`line_items.0.product_id` is 311.5, which"),
    "a line that is none": (with_(TAXED, line_items=["Cup"]), 'field `line_items.0` is "Cup", which is not an object'),
    "lines in words": (with_(TAXED, line_items="Cup"), 'field `line_items` is "Cup", which is not a list'),
    "no lines": (without(TAXED, "line_items"), "field `line_items` is missing"),
    "taxes in words": (with_(TAXED, line_items__0__taxes="18 %"), 'field `line_items.0.taxes` is "18 %"'),
    "the percentage of a rate that a line uses": (
        with_(TAXED, tax_lines__0__rate_percent="18 %"),
        'field `tax_lines.0.rate_percent` is "18 %", which is not a percentage',
    ),
    "a currency that is none": (with_(TAXED, currency="lari"), 'field `currency` is "lari", which is not a currency'),
    "no status": (with_(TAXED, status=False), "field `status` is empty"),
    "a status that is a list": (with_(TAXED, status=["processing"]), "field `status` is a list, which is not a text"),
    "neither yes nor no": (with_(TAXED, prices_include_tax="perhaps"), 'field `prices_include_tax` is "perhaps"'),
    "the day of payment in words": (with_(TAXED, date_paid_gmt="yesterday"), 'field `date_paid_gmt` is "yesterday"'),
    "no day at all": (with_(TAXED, date_created_gmt="0000-00-00 00:00:00"), "field `date_created_gmt` is"),
    "a refund without a number": (with_(TAXED, refunds=[{"id": "first"}]), 'field `refunds.0.id` is "first"'),
}


@pytest.mark.claim("K30")
@pytest.mark.parametrize("name", NEEDED)
async def test_an_order_with_unreadable_amounts_is_parked_with_the_field(name: str) -> None:
    order, words = NEEDED[name]
    outcome = await looked(order)
    assert isinstance(outcome, Done)
    [parked] = outcome.events
    assert isinstance(parked, OrderUnreadable)
    assert parked.reason == Reason.SHOP_ORDER_INVALID
    assert parked.detail.startswith("shop main: order 5001: ")
    assert words in parked.detail


@pytest.mark.parametrize(
    ("id_", "message"),
    [
        (None, "order without id: field `id` is empty"),
        ([1], "order a list: field `id` is a list, which is not"),
    ],
    ids=["none", "a list"],
)
def test_an_order_with_an_invalid_id_is_named_as_well_as_possible(id_: Any, message: str) -> None:
    with pytest.raises(ReadError) as raised:
        order_changed("main", with_(TAXED, id=id_))
    assert message in raised.value.detail
