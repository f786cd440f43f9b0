"""An answer is believed only if it can be WooCommerce's: the right shape, the record asked for, its own codes."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from contracts.reasons import Reason
from services.connectors.woocommerce.changes import Cursor
from services.connectors.woocommerce.client import WooCommerce
from services.connectors.woocommerce.product import ProductWrite
from services.engine.outbox.outcome import Refused, Retry, Unknown
from services.engine.outbox.upstream_errors import (
    AccessDenied,
    ForeignAnswer,
    Misaddressed,
    NotFound,
    ReadFailed,
    Rejected,
    UnknownOutcome,
    UpstreamError,
    outcome_of,
)
from tests.woocommerce.shop_double import NOON, ShopDouble, client, listed, product

pytestmark = pytest.mark.claim("K28")
Ask = Callable[[WooCommerce], Awaitable[Any]]


async def _orders(shop: WooCommerce) -> list[Any]:
    return [order async for order in shop.orders_changed_since(Cursor(NOON))]


RECORDS: dict[str, Ask] = {
    "an order": lambda shop: shop.order(17),
    "a product": lambda shop: shop.product(17),
    "a customer": lambda shop: shop.customer(17),
}
LISTS: dict[str, Ask] = {
    "orders": _orders,
    "refunds": lambda shop: shop.refunds(17),
    "webhooks": lambda shop: shop.webhooks(),
    "categories": lambda shop: shop.categories(),
    "tax rates": lambda shop: shop.tax_rates(),
    "products by SKU": lambda shop: shop.products_by_sku(["A"]),
    "notes": lambda shop: shop.notes(17),
}
WRITES: dict[str, Ask] = {
    "a status": lambda shop: shop.set_status(17, "completed"),
    "a webhook": lambda shop: shop.enable_webhook(17),
    "a note": lambda shop: shop.write_note(17, "text", customer=False),
    "a batch": lambda shop: shop.update_products([ProductWrite(id=17, name="Tea")]),
}
FOREIGN: dict[str, str] = {
    "a message object": '{"message": "Access denied by bot-protection. IPs should be whitelisted"}',
    "success: false": '{"success": false}',
    "success: true with a message": '{"success": true, "data": {"message": "ok"}}',
    "an error with a status of its own": '{"code": "blocked", "message": "no", "data": {"status": 403}}',
    "WooCommerce's error with 200": (
        '{"code":"woocommerce_rest_shop_order_invalid_id","message":"Invalid ID.","data":{"status":404}}'
    ),
    "an empty object": "{}",
    "null": "null",
    "a text": '"ok"',
    "a number": "1",
    "a web page": "<!DOCTYPE html><html><head><title>Just a moment...</title></head></html>",
    "words": "Service temporarily unavailable",
}


async def failure(ask: Ask, answer: httpx.Response) -> UpstreamError:
    """What is raised in a shop that always answers so."""
    async with client(lambda request: answer) as shop:
        with pytest.raises(UpstreamError) as raised:
            await ask(shop)
    return raised.value


@pytest.mark.parametrize("body", FOREIGN.values(), ids=list(FOREIGN))
@pytest.mark.parametrize("ask", [*RECORDS.values(), *LISTS.values()], ids=[*RECORDS, *LISTS])
async def test_a_200_from_something_else_is_not_data_and_the_lane_waits(ask: Ask, body: str) -> None:
    found = await failure(ask, httpx.Response(200, text=body))
    assert type(found) is ForeignAnswer
    assert isinstance(outcome_of(found), Retry)
    assert found.reason in (Reason.SHOP_FOREIGN_ANSWER, Reason.SHOP_PROTECTED)


@pytest.mark.parametrize("body", [*FOREIGN.values(), "[]", '[{"id": 17}]', '{"id": 0}'])
@pytest.mark.parametrize("ask", WRITES.values(), ids=list(WRITES))
async def test_a_write_answered_so_is_read_before_it_is_repeated(ask: Ask, body: str) -> None:
    found = await failure(ask, httpx.Response(200, text=body))
    assert type(found) is UnknownOutcome
    assert isinstance(outcome_of(found), Unknown)


@pytest.mark.parametrize("ask", [WRITES["a status"], WRITES["a webhook"]], ids=["a status", "a webhook"])
async def test_the_echo_of_another_record_confirms_nothing(ask: Ask) -> None:
    assert type(await failure(ask, httpx.Response(200, text='{"id": 18}'))) is UnknownOutcome


@pytest.mark.parametrize(
    "body", ["[]", '[{"id": 17}]', '{"id": 18}', '{"id": "18"}', '{"id": null}', '{"status": "x"}']
)
@pytest.mark.parametrize("ask", RECORDS.values(), ids=list(RECORDS))
async def test_another_record_or_a_list_is_not_the_record_that_was_asked_for(ask: Ask, body: str) -> None:
    assert type(await failure(ask, httpx.Response(200, text=body))) is ForeignAnswer


@pytest.mark.parametrize("body", ['{"id": 17}', '[{"message": "no"}]', "[null]", "[1]", "[[]]"])
@pytest.mark.parametrize("ask", LISTS.values(), ids=list(LISTS))
async def test_one_record_or_a_list_without_any_is_not_the_list_that_was_asked_for(ask: Ask, body: str) -> None:
    assert type(await failure(ask, httpx.Response(200, text=body))) is ForeignAnswer


@pytest.mark.parametrize("body", ["", "  ", '{"id": 17, "sta', '[{"id": 17}, {"id"'])
@pytest.mark.parametrize("ask", [*RECORDS.values(), *LISTS.values()], ids=[*RECORDS, *LISTS])
async def test_a_partial_response_is_not_an_answer(ask: Ask, body: str) -> None:
    assert type(await failure(ask, httpx.Response(200, text=body))) is ReadFailed


async def test_a_record_whose_number_is_a_text_is_that_record() -> None:
    async with client(ShopDouble([httpx.Response(200, json={"id": "17", "status": "completed"})])) as shop:
        assert await shop.order(17) == {"id": "17", "status": "completed"}


async def test_a_php_list_with_gaps_is_read_as_a_list() -> None:
    answer = httpx.Response(200, json={"0": {"id": 1}, "2": {"id": 3}}, headers={"X-WP-TotalPages": "1"})
    async with client(ShopDouble([answer])) as shop:
        assert [refund["id"] for refund in await shop.refunds(17)] == [1, 3]


NOT_FOUND: dict[str, tuple[Ask, str]] = {
    "an order": (RECORDS["an order"], "woocommerce_rest_shop_order_invalid_id"),
    "a product": (RECORDS["a product"], "woocommerce_rest_product_invalid_id"),
    "a customer": (RECORDS["a customer"], "woocommerce_rest_invalid_id"),
    "a post": (RECORDS["an order"], "rest_post_invalid_id"),
}


def error(status: int, code: str, stated: int | None = None) -> httpx.Response:
    body = {"code": code, "message": "Invalid ID.", "data": {"status": stated or status}}
    return httpx.Response(status, json=body)


@pytest.mark.parametrize(("ask", "code"), NOT_FOUND.values(), ids=list(NOT_FOUND))
async def test_only_woocommerces_own_404_means_removed(ask: Ask, code: str) -> None:
    async with client(ShopDouble([error(404, code)])) as shop:
        assert await ask(shop) is None


ODD_404: dict[str, httpx.Response] = {
    "an unknown route": error(404, "rest_no_route"),
    "a plugin's code": error(404, "some_plugin_not_found"),
    "a code that says nothing of a record": error(404, "rest_cannot_access"),
    "another status inside": error(404, "woocommerce_rest_shop_order_invalid_id", 403),
    "no data": httpx.Response(404, json={"code": "woocommerce_rest_shop_order_invalid_id", "message": "x"}),
    "a code that is a number": httpx.Response(404, json={"code": 404, "message": "Not found", "data": {"status": 404}}),
    "a foreign object": httpx.Response(404, json={"error": "not found"}),
    "a web page": httpx.Response(404, html="<html><title>404 Not Found</title></html>"),
    "nothing": httpx.Response(404),
}


@pytest.mark.parametrize("answer", ODD_404.values(), ids=list(ODD_404))
@pytest.mark.parametrize("ask", [*RECORDS.values(), LISTS["refunds"]], ids=[*RECORDS, "refunds"])
async def test_another_404_removes_nothing(ask: Ask, answer: httpx.Response) -> None:
    found = await failure(ask, answer)
    assert not isinstance(found, NotFound)
    assert isinstance(outcome_of(found), Retry)


async def test_refunds_of_a_deleted_order_are_distinguished() -> None:
    assert type(await failure(LISTS["refunds"], error(404, "woocommerce_rest_invalid_order_id"))) is NotFound


IN_FRONT = [400, 402, 403, 405, 406, 409, 410, 412, 415, 418, 421, 422, 451]
BODIES = ["", "no", "<html><title>Blocked</title></html>", '{"message": "blocked"}', '{"error": {"code": 7}}']


@pytest.mark.parametrize("status", IN_FRONT)
@pytest.mark.parametrize("body", BODIES)
async def test_a_refusal_by_another_server_is_not_about_the_record(status: int, body: str) -> None:
    for ask in (RECORDS["an order"], LISTS["orders"], WRITES["a batch"], WRITES["a status"]):
        found = await failure(ask, httpx.Response(status, text=body))
        assert isinstance(found, AccessDenied)
        assert isinstance(outcome_of(found), Retry)


@pytest.mark.parametrize(
    "status", [520, 521, 522, 523, 524, 525, 526, 527, 530, 500, 502, 503, 504, 508, 511, 429, 425]
)
async def test_a_server_error_is_not_a_fault_of_the_record(status: int) -> None:
    for body in BODIES:
        assert isinstance(outcome_of(await failure(RECORDS["an order"], httpx.Response(status, text=body))), Retry)
        written = outcome_of(await failure(WRITES["a status"], httpx.Response(status, text=body)))
        assert isinstance(written, Retry | Unknown)


@pytest.mark.parametrize("status", [400, 404, 409, 410, 422])
async def test_a_refusal_by_woocommerce_is_still_a_refusal(status: int) -> None:
    found = await failure(WRITES["a status"], error(status, "woocommerce_rest_invalid_status"))
    assert isinstance(found, Rejected)
    assert isinstance(outcome_of(found), Refused)


async def test_a_batch_that_answers_another_record_proves_nothing() -> None:
    async with client(ShopDouble([httpx.Response(200, json={"update": [product(18, "B")]})])) as shop:
        with pytest.raises(UnknownOutcome, match="product 17"):
            await shop.update_products([ProductWrite(id=17, name="Tea")])


WARNINGS = [
    '<br />\n<b>Warning</b>:  Undefined array key "x" in <b>/srv/wp/plug.php</b> on line <b>3</b><br />\n',
    '\nWarning: Undefined array key "x" in /srv/wp/plug.php on line 3\n',
    "PHP Notice:  Trying [1] of {2} in /srv/wp/plug.php on line 3\n",
    "<br />\n<b>Deprecated</b>: a [b] in <b>/srv/wp/plug.php</b> on line <b>3</b><br />\n" * 3,
]


@pytest.mark.parametrize("warning", WARNINGS)
async def test_php_warnings_before_valid_json_are_logged_and_change_nothing(
    warning: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = httpx.Response(200, text=warning + '{"id":17,"status":"completed"}')
    with caplog.at_level(logging.WARNING):
        async with client(ShopDouble([answer, answer])) as shop:
            assert await shop.order(17) == await shop.order(17) == {"id": 17, "status": "completed"}
    (warning,) = caplog.records  # once, not with each answer
    assert "plug.php" in vars(warning)["why"]
    assert "display_errors" in vars(warning)["fix"]


@pytest.mark.parametrize("warning", WARNINGS)
async def test_warnings_of_php_before_anything_else_are_shown_with_the_remedy(warning: str) -> None:
    for rest in ("", "{", "<html></html>", '{"code":"woocommerce_rest_x","message":"","data":{"status":400}}'):
        found = await failure(RECORDS["an order"], httpx.Response(200, text=warning + rest))
        assert isinstance(outcome_of(found), Retry)
        assert found.reason is Reason.SHOP_PHP_OUTPUT
        assert "display_errors" in found.message
        assert "plug.php" in found.message


async def test_a_fresh_read_is_another_address_each_time_and_asks_caches_not_to_answer() -> None:
    double = ShopDouble(
        [httpx.Response(200, json={"id": 17})] * 2 + [listed([{"id": 1}])] + [httpx.Response(200, json={"id": 17})]
    )
    async with client(double) as shop:
        await shop.order(17, fresh=True)
        await shop.order(17, fresh=True)
        await shop.refunds(17, fresh=True)
        await shop.order(17)
    first, second, refunds, usual = double.queries()
    assert first["_"] != second["_"] != refunds["_"]
    assert "_" not in usual
    assert {request.headers["cache-control"] for request in double.asked} == {"no-cache"}


async def test_the_headers_of_a_cache_are_described() -> None:
    headers = {"Age": "312", "CF-Cache-Status": "HIT"}
    async with client(ShopDouble([httpx.Response(200, json={"id": 17}, headers=headers)])) as shop:
        assert await shop.order_cache_headers(17) == "Age 312, CF-Cache-Status HIT"


async def test_a_refusal_is_not_an_answer_of_a_plugin() -> None:
    path = "/wp-json/wc-returns/v1/orders/17"
    assert type(await failure(lambda shop: shop.plugin_answer(path), httpx.Response(200, json={"message": "no"}))) is (
        ForeignAnswer
    )
    assert type(await failure(lambda shop: shop.plugin_answer(path), error(404, "rest_no_route"))) is Misaddressed
    async with client(ShopDouble([error(404, "returns_nothing_asked"), httpx.Response(200, json=[])])) as shop:
        assert await shop.plugin_answer(path) is None
        assert await shop.plugin_answer(path) == []
