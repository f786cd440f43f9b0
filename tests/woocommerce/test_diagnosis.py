"""Each obstacle between us and the shop is recognized by the response and reported with its start and the fix."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from contracts.reasons import Reason
from services.connectors.woocommerce.client import WooCommerce
from services.engine.outbox.outcome import Retry
from services.engine.outbox.upstream_errors import UpstreamError, outcome_of
from tests.woocommerce.shop_double import ShopDouble, client

pytestmark = pytest.mark.claim("K16")
PAGE = "<!DOCTYPE html><html><head><title>{}</title><style>p{{}}</style></head><body><p>{}</p></body></html>"


def wp_error(code: str, status: int, message: str = "no", **headers: str) -> httpx.Response:
    return httpx.Response(status, json={"code": code, "message": message, "data": {"status": status}}, headers=headers)


def page(status: int, title: str, text: str = "", **headers: str) -> httpx.Response:
    return httpx.Response(status, html=PAGE.format(title, text), headers=headers)


MAINTENANCE = "Briefly unavailable for scheduled maintenance. Check back in a minute."
IN_FRONT: dict[str, tuple[httpx.Response, Reason, str, str]] = {
    "an update of WordPress": (
        page(503, "Maintenance", MAINTENANCE, **{"Retry-After": "600"}),
        Reason.SHOP_MAINTENANCE, '"Maintenance"', ".maintenance",
    ),
    "an update of WordPress, as JSON": (
        wp_error("wp_die", 503, MAINTENANCE), Reason.SHOP_MAINTENANCE, "Briefly unavailable", ".maintenance",
    ),
    "an update of WordPress in another language": (
        page(503, "Обслуживание", "Сайт на плановых технических работах"),
        Reason.SHOP_MAINTENANCE, "Обслуживание", ".maintenance",
    ),
    "a site password": (
        page(401, "401 Authorization Required", **{"WWW-Authenticate": 'Basic realm="Staging"'}),
        Reason.SHOP_SITE_PASSWORD, "401 Authorization Required", "/wp-json/",
    ),
    "Cloudflare's question": (
        page(403, "Just a moment...", **{"cf-mitigated": "challenge", "server": "cloudflare"}),
        Reason.SHOP_PROTECTED, "Just a moment...", "IP address",
    ),
    "Cloudflare's question with 503": (
        page(503, "Just a moment...", "Checking your browser"), Reason.SHOP_PROTECTED, "Just a moment", "IP address",
    ),
    "a question with 202": (
        httpx.Response(202, html="<html><body></body></html>", headers={"sg-captcha": "challenge"}),
        Reason.SHOP_PROTECTED, "HTTP 202", "IP address",
    ),
    "a bot protection with 200": (
        httpx.Response(200, json={"message": "Access denied by Imunify360 bot-protection."}),
        Reason.SHOP_PROTECTED, "Access denied by Imunify360", "IP address",
    ),
    "ModSecurity": (
        page(406, "Not Acceptable!", "by Mod_Security"), Reason.SHOP_PROTECTED, "Not Acceptable!", "ModSecurity",
    ),
    "a teapot": (httpx.Response(418, text="no bots"), Reason.SHOP_PROTECTED, '"no bots"', "firewall"),
    "an unsupported media type": (httpx.Response(415), Reason.SHOP_PROTECTED, "HTTP 415", "firewall"),
    "a country block": (httpx.Response(451, text="Unavailable"), Reason.SHOP_PROTECTED, "Unavailable", "firewall"),
    "a REST API closed to guests": (
        wp_error("rest_not_logged_in", 401, "You are not currently logged in."),
        Reason.SHOP_REST_CLOSED, "rest_not_logged_in", "wc/v3",
    ),
    "a REST API that is forbidden": (
        wp_error("rest_forbidden", 403, "<b>Only</b> users"), Reason.SHOP_REST_CLOSED, "Only users", "wc/v3",
    ),
    "a key that is unknown": (
        wp_error("woocommerce_rest_cannot_view", 401), Reason.SHOP_KEY_REFUSED, "cannot_view", "shops.main.key-file",
    ),
    "a redirect to www": (
        httpx.Response(301, headers={"location": "https://www.shop.test/wp-json/wc/v3/orders/17?x=1"}),
        Reason.SHOP_REDIRECTED, 'write url = "https://www.shop.test"', "shops.main.url",
    ),
    "a redirect into a folder": (
        httpx.Response(308, headers={"location": "/store/wp-json/wc/v3/orders/17/"}),
        Reason.SHOP_REDIRECTED, 'write url = "https://shop.test/store"', "shops.main.url",
    ),
    "a redirect to a login": (
        httpx.Response(302, headers={"location": "https://shop.test/wp-login.php?redirect_to=x"}),
        Reason.SHOP_REDIRECTED, "https://shop.test/wp-login.php", "shops.main.url",
    ),
    "an unknown route": (wp_error("rest_no_route", 404), Reason.SHOP_ADDRESS_WRONG, "rest_no_route", "Permalinks"),
    "an unknown page": (page(404, "Not Found"), Reason.SHOP_ADDRESS_WRONG, "Not Found", "shops.main.rest-prefix"),
    "a warning of PHP": (
        httpx.Response(200, text="<br />\n<b>Fatal error</b>: Allowed memory size exhausted in /srv/a.php on line 1"),
        Reason.SHOP_PHP_OUTPUT, "Allowed memory size exhausted", "display_errors",
    ),
    "a page without a title": (page(200, "", "Coming soon"), Reason.SHOP_FOREIGN_ANSWER, "Coming soon", "coming-soon"),
    "a parked domain": (page(200, "Domain for sale"), Reason.SHOP_FOREIGN_ANSWER, "Domain for sale", "davtari check"),
    "an object of somebody": (
        httpx.Response(200, json={"success": False}), Reason.SHOP_FOREIGN_ANSWER, '{"success":false}', "davtari check",
    ),
    "a list": (httpx.Response(200, json=[]), Reason.SHOP_FOREIGN_ANSWER, "a list instead of one record", "check"),
}  # fmt: skip


async def failure(answer: httpx.Response) -> UpstreamError:
    async with client(ShopDouble([answer])) as shop:
        with pytest.raises(UpstreamError) as raised:
            await shop.order(17)
    return raised.value


@pytest.mark.parametrize(("answer", "reason", "shown", "remedy"), IN_FRONT.values(), ids=list(IN_FRONT))
async def test_each_has_its_name_its_first_characters_and_its_remedy(
    answer: httpx.Response, reason: Reason, shown: str, remedy: str
) -> None:
    found = await failure(answer)
    assert found.reason is reason
    assert f"({reason})" in found.message, "davtari explain describes it in Georgian too"
    assert shown in found.message
    assert remedy in found.message
    assert isinstance(outcome_of(found), Retry), "the lane waits, and nothing is set aside"


@pytest.mark.parametrize("body", ['{"id": 18, "email": "nino@example.ge"}', ' [ {"id":17,"email":"nino@example.ge"}]'])
async def test_personal_data_in_a_response_is_not_shown(body: str) -> None:
    assert "nino" not in (await failure(httpx.Response(200, text=body))).message


async def test_what_the_shop_says_of_a_crash_is_shown() -> None:
    text = "<p>There has been a critical error on this website.</p>"
    found = await failure(wp_error("internal_server_error", 500, text))
    assert "HTTP 500 internal_server_error: There has been a critical error on this website." in found.message


async def test_an_error_page_is_quoted() -> None:
    found = await failure(page(500, "WordPress &rsaquo; Error", "critical error"))
    assert 'HTTP 500, a web page "WordPress › Error"' in found.message


async def test_each_shop_reads_its_own_settings_in_a_remedy() -> None:
    async def refused(shop: WooCommerce) -> Any:
        return await shop.order(17)

    async with client(ShopDouble([wp_error("woocommerce_rest_cannot_view", 401)])) as shop:
        with pytest.raises(UpstreamError, match=r"shops\.main\.secret-file"):
            await refused(shop)
