"""The numbers that buyers give at a checkout reach the fact about the order with the default settings."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from services.accounting.documents.identity import Identity, identity_of
from services.connectors.woocommerce.order import order_changed
from services.order_exporter.client import number_remark
from services.settings.orders import OrderSettings
from tests.woocommerce.shop_double import answered
from tests.wordpress.conftest import Php

PERSONAL, COMPANY = "99012345678", "999123456"
PERSONAL_KEYS = ("_billing_personal_id", "billing_personal_id", "_wc_other/davtari/personal-id")
COMPANY_KEYS = ("_billing_company_code", "billing_company_code", "_wc_other/davtari/company-id")


def buyer_of(metas: list[dict[str, Any]]) -> Any:
    """The person of an order with these custom fields, as an unchanged settings file reads them."""
    order, settings = deepcopy(answered("order-get-after-partial-refund")), OrderSettings()
    order["meta_data"] = [{"id": number, **meta} for number, meta in enumerate(metas, 1)]
    keys = {"personal_id_keys": settings.personal_id_keys, "company_id_keys": settings.company_id_keys}
    return order_changed("main", order, **keys).person


@pytest.mark.claim("S0.14")
@pytest.mark.parametrize("key", PERSONAL_KEYS)
def test_the_personal_id_of_either_checkout_makes_the_buyer_a_person_to_balance(key: str) -> None:
    buyer = buyer_of([{"key": "is_vat_exempt", "value": "no"}, {"key": key, "value": PERSONAL}])
    assert (buyer.personal_id, buyer.company_id) == (PERSONAL, None)
    assert identity_of(buyer) == Identity("person", PERSONAL)


@pytest.mark.claim("S0.14")
@pytest.mark.parametrize("key", COMPANY_KEYS)
def test_a_company_id_goes_before_the_personal_one(key: str) -> None:
    buyer = buyer_of([{"key": PERSONAL_KEYS[2], "value": PERSONAL}, {"key": key, "value": COMPANY}])
    assert (buyer.personal_id, buyer.company_id) == (PERSONAL, COMPANY)
    assert identity_of(buyer) == Identity("company", COMPANY)


@pytest.mark.claim("S0.14")
@pytest.mark.parametrize("key", PERSONAL_KEYS)
@pytest.mark.parametrize("number", ["9901234567", "990123456789", "9901234567x", "[deleted]"])
def test_a_number_that_is_not_eleven_digits_is_nobody(key: str, number: str) -> None:
    """The shop may have no companion, or one of another maker: the services check the number themselves."""
    buyer = buyer_of([{"key": key, "value": number}])
    assert identity_of(buyer) is None
    assert number_remark(buyer) == "the buyer's number is not valid: retail client"


def test_an_optional_field_that_was_left_empty_gives_no_number() -> None:
    buyer = buyer_of([{"key": PERSONAL_KEYS[2], "value": ""}, {"key": COMPANY_KEYS[2], "value": ""}])
    assert (buyer.personal_id, buyer.company_id, number_remark(buyer)) == (None, None, "")


@pytest.mark.claim("S0.14")
@pytest.mark.parametrize("checkout", ["classic", "block"])
def test_what_the_companion_stores_is_what_the_services_read(php: Php, checkout: str) -> None:
    """The two halves meet here: the plugin's own code fills the order's fields, the default settings find them."""
    ran = php(Path(__file__).parent / "order_meta.php")
    assert (ran.returncode, ran.stderr) == (0, "")
    buyer = buyer_of(json.loads(ran.stdout)[checkout])
    assert (buyer.personal_id, buyer.company_id) == (PERSONAL, COMPANY)
