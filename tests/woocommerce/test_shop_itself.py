"""The shop itself: permissions of the key, tax settings and webhooks."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from services.connectors.http.listing import Listing
from services.engine.outbox.upstream_errors import Misaddressed, Unavailable
from tests.woocommerce.shop_double import ShopDouble, answer_by_path, client, listed, recorded

INDEX = {
    "name": "ყავის სახლი",
    "url": "https://shop.test",
    "home": "https://shop.test",
    "gmt_offset": "4",
    "timezone_string": "Asia/Tbilisi",
    "namespaces": ["wp/v2", "wc/v3"],
}
STATUS = {"environment": {"version": "9.9.5"}, "settings": {"HPOS_enabled": True}}


def ready(**changes: httpx.Response) -> Any:
    usual = {
        "wp_json": httpx.Response(200, json=INDEX),
        "orders": listed([{"id": 1}]),
        "batch": recorded("product-batch-empty"),
        "system_status": httpx.Response(200, json=STATUS),
    }
    return answer_by_path(**usual | changes)


async def test_a_working_shop_is_reported_as_ready() -> None:
    async with client(ready()) as shop:
        found, status = await shop.probe(), await shop.status()
    assert (found.name, found.home) == ("ყავის სახლი", "https://shop.test")
    assert (status.environment.version, status.settings.hpos) == ("9.9.5", True)
    assert (found.time_zone, found.may_read, found.may_write, found.problems) == ("Asia/Tbilisi", True, True, ())


async def test_a_read_only_key_is_reported_with_the_fix() -> None:
    async with client(ready(batch=recorded("auth-read-only-key-writes"))) as shop:
        found = await shop.probe()
    assert (found.may_read, found.may_write) == (True, False)
    assert "does not have write permissions" in found.problems[0]
    assert "Read/Write" in found.problems[0]


async def test_an_unknown_key_is_reported() -> None:
    denied = recorded("auth-wrong-key")
    async with client(ready(orders=denied, batch=denied, system_status=denied)) as shop:
        found, status = await shop.probe(), await shop.status()
    assert (found.may_read, found.may_write) == (False, False)
    assert (status.environment.version, status.settings.hpos) == ("", None)


async def test_a_shop_that_hides_its_version_and_has_only_an_offset() -> None:
    index = INDEX | {"timezone_string": "", "gmt_offset": 5.5}
    hidden = recorded("route-unknown")
    async with client(ready(wp_json=httpx.Response(200, json=index), system_status=hidden)) as shop:
        found, status = await shop.probe(), await shop.status()
    assert (status.environment.version, status.settings.hpos, found.time_zone) == ("", None, "UTC+5.5")


async def test_a_wordpress_without_woocommerce_is_a_wrong_address() -> None:
    async with client(ready(wp_json=httpx.Response(200, json=INDEX | {"namespaces": ["wp/v2"]}))) as shop:
        with pytest.raises(Misaddressed, match="no WooCommerce"):
            await shop.probe()


async def test_an_unavailable_shop_is_not_reported_as_misconfigured() -> None:
    async with client(ready(orders=httpx.Response(502))) as shop:
        with pytest.raises(Unavailable):
            await shop.probe()


async def test_the_tax_settings_of_the_shop_are_read() -> None:
    async with client(answer_by_path(current=recorded("currency-current"), tax=recorded("settings-tax"))) as shop:
        assert await shop.currency() == "GEL"
        taxes = await shop.tax_settings()
    assert (taxes.prices_include_tax, taxes.round_at_subtotal, taxes.based_on) == (True, False, "base")


async def test_one_setting_and_the_tax_rates_are_read() -> None:
    async with client(
        answer_by_path(woocommerce_currency=recorded("setting-currency"), taxes=recorded("taxes-list"))
    ) as shop:
        assert await shop.setting("general", "woocommerce_currency") == "GEL"
        rates = await shop.tax_rates()
    assert [(rate.id, rate.percent, rate.tax_class) for rate in rates.records] == [
        (1, Decimal(18), "standard"),
        (2, Decimal(0), "zero-rate"),
    ]


async def test_categories_are_read_with_their_parents() -> None:
    async with client(answer_by_path(categories=recorded("categories-list"))) as shop:
        found = {category.name: (category.id, category.parent) for category in (await shop.categories()).records}
    assert (found["Uncategorized"], found["მარცვლეული"]) == ((15, 0), (17, 16))


async def test_a_webhook_is_made_active_with_our_secret_and_the_secret_is_not_kept() -> None:
    double = ShopDouble([recorded("webhook-create-order-created")])
    secret = SecretStr("throwaway")
    async with client(double) as shop:
        made = await shop.create_webhook("order.created", "https://davtari.test/hook", secret)
    assert double.bodies() == [
        {
            "name": "Davtari order.created",
            "topic": "order.created",
            "delivery_url": "https://davtari.test/hook",
            "status": "active",
            "secret": "throwaway",
        }
    ]
    assert (made.id, made.status, made.topic) == (1, "active", "order.created")
    assert "throwaway" not in repr(made)


async def test_a_disabled_webhook_is_enabled_again() -> None:
    disabled = recorded("webhook-get-disabled-after-failures").json()
    double = ShopDouble([listed([disabled]), recorded("webhook-reactivate")])
    async with client(double) as shop:
        (found,) = (await shop.webhooks()).records
        revived = await shop.enable_webhook(found.id)
    assert (found.status, revived.status) == ("disabled", "active")
    assert (double.asked[1].method, double.asked[1].url.path) == ("PUT", "/wp-json/wc/v3/webhooks/2")


async def test_a_shop_without_webhooks() -> None:
    async with client(ShopDouble([recorded("webhooks-list-empty")])) as shop:
        assert await shop.webhooks() == Listing(())
