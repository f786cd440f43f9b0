"""The official AsyncAPI schema is the real one: it lets a right document pass and finds what is wrong in another."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft7Validator

from tests.support.asyncapi_schema import official_schema

DOCUMENT: dict[str, Any] = {
    "asyncapi": "3.0.0",
    "info": {"title": "Shop", "version": "1"},
    "channels": {"orders": {"address": "shop.orders", "messages": {"OrderChanged": {"payload": {"type": "object"}}}}},
}


@pytest.fixture(scope="module")
def validator() -> Draft7Validator:
    return Draft7Validator(official_schema("3.0.0"))


def test_a_right_document_passes(validator: Draft7Validator) -> None:
    assert list(validator.iter_errors(DOCUMENT)) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"asyncapi": "2.6.0"},
        {"info": {"title": "Shop"}},
        {"channels": {"orders": {"adress": "shop.orders"}}},
        {"operations": {"take": {"action": "subscribe", "channel": {"$ref": "#/channels/orders"}}}},
    ],
)
def test_a_wrong_document_does_not(validator: Draft7Validator, wrong: dict[str, Any]) -> None:
    assert not validator.is_valid(DOCUMENT | wrong)
