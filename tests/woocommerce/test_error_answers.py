"""Every error that a real WooCommerce was seen to answer is understood as what it is."""

from __future__ import annotations

import httpx
import pytest

from contracts.reasons import Reason
from services.connectors.woocommerce.api import ShopApi
from services.engine.backoff import LONGEST_WAIT
from services.engine.outbox.upstream_errors import (
    AccessDenied,
    Misaddressed,
    Rejected,
    Unavailable,
    UnknownOutcome,
    UpstreamError,
)
from tests.woocommerce.shop_double import ShopDouble, capture, client, exchanges, recorded

REFUSED, GONE = Reason.SHOP_REFUSED, Reason.SHOP_PRODUCT_GONE

DENIED = [
    "auth-basic-over-plain-http",
    "auth-none",
    "auth-read-only-key-writes",
    "auth-write-only-key-reads",
    "auth-wrong-key",
    "auth-wrong-secret",
]
REJECTED = {
    "category-create-bad-parent": (REFUSED, "missing_parent"),
    "category-create-same-name": (REFUSED, "term_exists"),
    "coupon-create-duplicate": (REFUSED, "woocommerce_rest_coupon_code_already_exists"),
    "customer-create-duplicate-email": (REFUSED, "registration-error-email-exists"),
    "order-create-bad-coupon-leaves-orphan": (REFUSED, "woocommerce_rest_invalid_coupon"),
    "order-put-bad-status": (REFUSED, "rest_invalid_param"),
    "product-batch-101-items": (REFUSED, "woocommerce_rest_request_entity_too_large"),
    "product-batch-broken-json": (REFUSED, "rest_invalid_json"),
    "product-create-duplicate-gtin": (REFUSED, "product_invalid_global_unique_id"),
    "product-create-duplicate-sku": (REFUSED, "product_invalid_sku"),
    "product-create-image-unreachable": (REFUSED, "woocommerce_product_image_upload_error"),
    "product-create-sku-of-trashed": (REFUSED, "woocommerce_rest_product_not_created"),
    "product-create-wrong-types": (REFUSED, "rest_invalid_param"),
    "product-get-unknown": (GONE, "woocommerce_rest_product_invalid_id"),
    "product-list-bad-date": (REFUSED, "rest_invalid_param"),
    "product-list-per-page-101": (REFUSED, "rest_invalid_param"),
    "product-put-price-number-not-string": (REFUSED, "rest_invalid_param"),
    "product-stock-decimal": (REFUSED, "rest_invalid_param"),
    "refund-api-refund-default-cod": (REFUSED, "woocommerce_rest_cannot_create_order_refund"),
    "refund-too-much": (REFUSED, "woocommerce_rest_cannot_create_order_refund"),
    "variation-put-via-products": (REFUSED, "woocommerce_rest_invalid_product_id"),
    "webhook-create-bad-topic": (REFUSED, "woocommerce_rest_shop_webhook_invalid_topic"),
    "webhook-create-bad-url": (REFUSED, "woocommerce_rest_shop_webhook_invalid_delivery_url"),
    "webhook-create-no-url": (REFUSED, "rest_missing_callback_param"),
}
UNKNOWN = ["order-create-qty-zero-500"]
NO_ROUTE = ["route-unknown"]


async def failure(name: str) -> UpstreamError:
    """The error that the client raises when it repeats the recorded call and gets the recorded answer."""
    request = capture(name)["request"]
    return await failure_of(recorded(name), request["method"], request["path"])


async def failure_of(response: httpx.Response, method: str, path: str) -> UpstreamError:
    async with client(ShopDouble([response])) as shop:
        api: ShopApi = shop._api
        with pytest.raises(UpstreamError) as raised:
            await _call(api, method, path.removeprefix("/wp-json/wc/v3"))
    return raised.value


async def _call(api: ShopApi, method: str, route: str) -> None:
    if method == "GET":
        await api.get(route)
    else:
        await api.write(method, route, {})


def test_the_tables_name_every_recorded_error() -> None:
    errors = [name for name in exchanges() if capture(name)["response"]["status"] >= 400]
    assert errors == sorted([*DENIED, *REJECTED, *UNKNOWN, *NO_ROUTE])


@pytest.mark.parametrize("name", DENIED)
async def test_a_key_without_permission_waits_for_a_person_and_names_the_fix(name: str) -> None:
    error = await failure(name)
    assert type(error) is AccessDenied
    assert "WooCommerce → Settings → Advanced → REST API" in error.message
    assert capture(name)["response"]["body"]["message"] in error.message


@pytest.mark.parametrize(("name", "verdict"), REJECTED.items())
async def test_what_the_shop_refuses_is_rejected_with_its_own_code(name: str, verdict: tuple[Reason, str]) -> None:
    error = await failure(name)
    assert isinstance(error, Rejected)
    assert (error.reason, error.code) == verdict
    assert error.status == capture(name)["response"]["status"]


async def test_a_crash_after_the_request_was_taken_has_an_unknown_outcome() -> None:
    assert type(await failure("order-create-qty-zero-500")) is UnknownOutcome


async def test_an_unknown_route_is_a_wrong_address_not_a_missing_record() -> None:
    error = await failure("route-unknown")
    assert isinstance(error, Misaddressed)
    assert "Permalinks" in error.message


async def test_a_refusal_names_the_record_and_each_wrong_field() -> None:
    error = await failure("product-stock-decimal")
    assert error.message == (
        "shop main: product 10 (PUT /wp-json/wc/v3/products/10): HTTP 400 rest_invalid_param: "
        "Invalid parameter(s): stock_quantity (stock_quantity is not of type integer.)"
    )


async def test_markup_and_entities_are_read_to_the_person() -> None:
    error = await failure("order-create-bad-coupon-leaves-orphan")
    assert 'Coupon "nope" does not exist!' in error.message


PAGE = "<html><head><title>{}</title></head><body></body></html>"


async def test_a_body_over_the_web_servers_limit_is_recognised_from_its_page() -> None:
    page = httpx.Response(413, html=PAGE.format("413 Request Entity Too Large"))
    error = await failure_of(page, "POST", "/products/batch")
    assert isinstance(error, Rejected)
    assert 'a web page "413 Request Entity Too Large". Lower batch-size' in error.message


async def test_an_address_over_the_web_servers_limit_is_refused() -> None:
    page = httpx.Response(414, html=PAGE.format("414 Request-URI Too Large"))
    assert isinstance(await failure_of(page, "GET", "/products"), Rejected)


async def test_a_firewall_page_is_not_reported_as_a_wrong_key() -> None:
    page = httpx.Response(403, html=PAGE.format("Attention Required!"))
    error = await failure_of(page, "GET", "/orders")
    assert isinstance(error, AccessDenied)
    assert "firewall" in error.message
    assert "REST API" not in error.message


async def test_maintenance_mode_is_retried_within_a_minute() -> None:
    page = httpx.Response(503, html=PAGE.format("Maintenance"), headers={"Retry-After": "600"})
    error = await failure_of(page, "POST", "/products/batch")
    assert isinstance(error, Unavailable)
    assert error.retry_after == LONGEST_WAIT


async def test_a_page_for_people_at_an_unknown_address_is_a_wrong_address() -> None:
    assert isinstance(
        await failure_of(httpx.Response(404, html=PAGE.format("Not found")), "GET", "/orders"), Misaddressed
    )
