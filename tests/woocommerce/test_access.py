"""A shop behind its web server: another REST prefix, Plain permalinks, a header that is removed, PHP's own output."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from starlette.applications import Starlette

from contracts.reasons import Reason
from services.accounting.checks import shop as checks
from services.connectors.woocommerce.client import WooCommerce
from services.engine.outbox.outcome import Retry
from services.engine.outbox.upstream_errors import UpstreamError, outcome_of
from services.sandbox.faults import FaultInjector
from services.sandbox.server import Endpoint, serve
from services.sandbox.woocommerce.app import create_shop
from services.sandbox.woocommerce.shop import SandboxShopSettings
from tests.woocommerce.served_shop import NEW_PRODUCTS, open_client

pytestmark = pytest.mark.claim("K16", "K28")
NOTICE = "<br />\n<b>Notice</b>:  Undefined index: a in <b>/srv/plugin.php</b> on line <b>3</b><br />\n"


@asynccontextmanager
async def hosted(*, tls: bool = True, **options: Any) -> AsyncIterator[tuple[Endpoint, FaultInjector, Starlette]]:
    """A shop on a real socket with these options."""
    app = create_shop(SandboxShopSettings(**options))
    faults = FaultInjector(app)
    async with serve(faults, tls=tls) as served:
        yield served, faults, app


def asked(faults: FaultInjector) -> list[str]:
    """The method and path of each call."""
    return [f"{entry.method} {entry.path}" for entry in faults.journal.entries]


async def refusal(shop: WooCommerce) -> UpstreamError:
    """The error of a read."""
    with pytest.raises(UpstreamError) as raised:
        await shop.categories()
    return raised.value


@pytest.mark.parametrize("tls", [True, False], ids=["https", "http"])
@pytest.mark.parametrize("prefix", ["api", "index.php/wp-json", "rest/v"])
async def test_another_rest_prefix_is_found_once_and_used_for_every_call(prefix: str, tls: bool) -> None:
    async with hosted(tls=tls, rest_prefix=prefix) as (served, faults, _), open_client(served) as shop:
        assert len(await shop.create_products(NEW_PRODUCTS)) == 2, (
            "a write that met no API is sent to the right address"
        )
        assert (await shop.probe()).problems == ()
        assert set(await shop.products_by_sku(["TEA"])) == {"TEA"}
        assert shop.discovered_prefix == prefix
        assert asked(faults).count("GET /") == 1
        assert [path for path in asked(faults) if "/wc/v3/" in path and f"/{prefix}/wc/" not in path] == [
            "POST /wp-json/wc/v3/products/batch"
        ]


async def test_a_prefix_that_changes_while_we_run_is_found_again() -> None:
    async with hosted() as (served, _, app), open_client(served) as shop:
        for prefix, found in (("wp-json", ""), ("api", "api"), ("rest", "rest"), ("wp-json", "")):
            app.state.shop.settings = replace(app.state.shop.settings, rest_prefix=prefix)
            await shop.categories()
            assert shop.discovered_prefix == found


async def test_a_configured_prefix_is_used_and_no_other_is_looked_for() -> None:
    async with hosted(rest_prefix="api") as (served, faults, _):
        async with open_client(served, settings={"rest_prefix": "/api/"}) as shop:
            await shop.categories()
            assert (shop.discovered_prefix, "GET /" in asked(faults)) == ("", False)
        async with open_client(served, settings={"rest_prefix": "wrong"}) as shop:
            found = await refusal(shop)
    assert found.reason is Reason.SHOP_ADDRESS_WRONG
    assert "shops.main.rest-prefix" in found.message


CAUSES: dict[str, tuple[dict[str, Any], Reason, str]] = {
    "plain permalinks": ({"permalinks": "plain"}, Reason.SHOP_PLAIN_PERMALINKS, "Settings → Permalinks"),
    "a header that is removed": (
        {"removes_authorization": True}, Reason.SHOP_AUTHORIZATION_REMOVED, "CGIPassAuth On",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("options", "reason", "remedy"), CAUSES.values(), ids=list(CAUSES))
async def test_what_the_refusal_does_not_show_is_found_by_asking_once(
    options: dict[str, Any], reason: Reason, remedy: str
) -> None:
    async with hosted(**options) as (served, faults, app), open_client(served) as shop:
        found = await refusal(shop)
        assert (found.reason, isinstance(outcome_of(found), Retry)) == (reason, True)
        assert remedy in found.message
        assert f"({reason})" in found.message
        assert "cs_sandbox" not in found.message
        before = len(asked(faults))
        assert (await refusal(shop)).reason is reason
        assert len(asked(faults)) == before + 1, "later refusals are not looked into again"
        app.state.shop.settings = SandboxShopSettings()
        assert (await shop.categories()).records, "once it is corrected, everything goes on"


async def test_an_unknown_key_is_not_taken_for_a_removed_header() -> None:
    async with hosted() as (served, _, _), open_client(served, key="ck_nobody") as shop:
        assert (await refusal(shop)).reason is Reason.SHOP_KEY_REFUSED


async def test_the_key_is_never_in_a_query_over_plain_http() -> None:
    async with hosted(tls=False, removes_authorization=True) as (served, faults, _), open_client(served) as shop:
        assert (await refusal(shop)).reason is Reason.SHOP_KEY_REFUSED
        assert not any("consumer_key" in entry.query for entry in faults.journal.entries)


async def test_the_check_names_the_prefix_and_what_php_writes() -> None:
    async with hosted(rest_prefix="api", php_notice=NOTICE) as (served, _, _), open_client(served) as shop:
        _, findings = await checks.check_key(shop)
        [prefix] = [finding for finding in findings if finding.what == "REST prefix"]
        [output] = checks.check_php_output(shop, "main")
    assert 'rest-prefix = "api"' in prefix.fix
    assert "Undefined index" in output.message
    assert "display_errors" in output.fix


async def test_the_check_names_a_removed_header() -> None:
    async with hosted(removes_authorization=True) as (served, _, _), open_client(served) as shop:
        _, findings = await checks.check_key(shop)
    wrong = {finding.what: finding.fix for finding in findings if finding.ok is False}
    assert set(wrong) == {"key may read", "key may write"}
    assert all("CGIPassAuth On" in fix for fix in wrong.values())


async def test_an_ordinary_shop_has_no_such_findings() -> None:
    async with hosted() as (served, faults, _), open_client(served) as shop:
        _, findings = await checks.check_key(shop)
        assert {finding.what for finding in findings} == {"shop", "key may read", "key may write"}
        assert checks.check_php_output(shop, "main") == []
        assert "GET /" not in asked(faults)
