"""The canonical order event carries everything that an order map names, and its schema has a version."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from contracts.envelope import decode, headers, value, wrap
from contracts.json_schema import released_name
from contracts.shop import OrderChanged
from services.connectors.woocommerce.order import order_changed
from tests.woocommerce.shop_double import answered

SCHEMAS = Path(__file__).parents[2] / "contracts/schemas"
JSON = answered("order-get-storefront-guest-cod-coupon-shipping")


@pytest.mark.claim("S3.56")
def test_every_field_of_the_order_map_is_in_the_event_and_survives_the_topic() -> None:
    event = order_changed("main", JSON)
    envelope = decode(
        headers(envelope_sent := wrap(event, version=1, source="t", time=event.created_at)), value(envelope_sent)
    )
    assert envelope.data == event
    assert (event.order_id, event.number, event.currency) == (JSON["id"], JSON["number"], "GEL")
    assert event.created_at.isoformat()[:19] == JSON["date_created_gmt"]
    products = [line for line in event.lines if line.kind == "product"]
    assert [line.quantity for line in products] == [Decimal(line["quantity"]) for line in JSON["line_items"]]
    assert event.person is not None
    delivery, given = event.person.shipping, JSON["shipping"]
    for part in (
        "first_name",
        "last_name",
        "company",
        "address_1",
        "address_2",
        "city",
        "state",
        "postcode",
        "country",
    ):
        assert getattr(delivery, part) == given[part], part
    assert delivery.city and delivery.address_1 and delivery.country


@pytest.mark.claim("S3.56")
def test_each_lines_tax_has_its_rate_code_class_and_amount() -> None:
    event = order_changed("main", JSON)
    rates = {rate.rate_id: rate for rate in event.tax_rates}
    assert [(rate.code, rate.percent) for rate in rates.values()] == [("GE-VAT-1", Decimal(18))]
    for line, sent in zip(event.lines, [*JSON["line_items"], *JSON["shipping_lines"]], strict=False):
        assert [(tax.rate_id, tax.total) for tax in line.taxes] == [
            (tax["id"], Decimal(tax["total"])) for tax in sent["taxes"] if tax["total"]
        ]
        assert line.total_tax == Decimal(sent["total_tax"])
        assert line.tax_class == sent.get("tax_class", "")
        assert all(rates[tax.rate_id].percent >= 0 for tax in line.taxes)
    assert event.total_tax == Decimal(JSON["total_tax"])


@pytest.mark.claim("S3.56")
def test_the_schema_of_the_event_is_frozen_under_its_version() -> None:
    schema = json.loads((SCHEMAS / f"{released_name(OrderChanged)}.json").read_text(encoding="utf-8"))
    assert OrderChanged.TYPE.endswith(".v1")
    assert {"order_id", "number", "currency", "created_at", "lines", "tax_rates", "total_tax", "person"} <= set(
        schema["properties"]
    )
    assert {"code", "percent", "tax_total"} <= set(schema["$defs"]["TaxRate"]["properties"])
    assert {"quantity", "taxes", "total_tax", "tax_class"} <= set(schema["$defs"]["OrderLine"]["properties"])
