"""The client against a shop on a real socket: signing, writing, and connections that break at each moment."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from services.connectors.woocommerce.batch import NotStored, Stored, find_differences
from services.connectors.woocommerce.client import WooCommerce
from services.connectors.woocommerce.product import ProductWrite
from services.engine.outbox.upstream_errors import AccessDenied, Unavailable, UnknownOutcome
from services.sandbox.faults import FaultInjector, InjectedFault
from services.sandbox.server import Endpoint, serve
from services.sandbox.woocommerce.app import create_shop
from tests.woocommerce.served_shop import NEW_PRODUCTS, now, open_client
from tests.woocommerce.shop_double import settings


@asynccontextmanager
async def sandbox(*, tls: bool = False) -> AsyncIterator[tuple[Endpoint, FaultInjector]]:
    faults = FaultInjector(create_shop())
    async with serve(faults, tls=tls) as served:
        yield served, faults


@pytest.mark.parametrize("tls", [True, False], ids=["basic over https", "oauth over http"])
async def test_products_are_made_found_and_written(tls: bool) -> None:
    async with sandbox(tls=tls) as (served, _), open_client(served) as shop:
        assert (await shop.probe()).problems == ()

        made = await shop.create_products(NEW_PRODUCTS)
        assert [isinstance(one, Stored) for one in made] == [True, True]
        assert [find_differences("main", meant, one.json) for meant, one in zip(NEW_PRODUCTS, made, strict=True)] == [
            (),
            (),
        ]  # type: ignore[union-attr]

        again = (await shop.create_products(NEW_PRODUCTS[:1]))[0]
        found = await shop.products_by_sku(["COF 1.5+&ი", "tea", "NONE"])
        assert isinstance(again, NotStored)
        assert again.sku_taken
        assert [one.id for one in found["COF 1.5+&ი"]] == [again.resource_id]
        assert found["NONE"] == ()

        (written,) = await shop.update_products([ProductWrite(id=found["tea"][0].id, stock_quantity=-2)])
        assert isinstance(written, Stored)
        assert written.json["stock_quantity"] == -2


async def test_a_key_that_may_only_read_is_refused_a_write() -> None:
    async with sandbox(tls=True) as (served, _), open_client(served, "ck_sandbox_reads", "cs_sandbox_reads") as shop:
        assert not (await shop.probe()).may_write
        with pytest.raises(AccessDenied, match="write permissions"):
            await shop.create_products(NEW_PRODUCTS)


async def test_a_sale_price_is_set_and_removed() -> None:
    window = {"sale_from": datetime(2027, 1, 1, tzinfo=UTC), "sale_to": datetime(2027, 1, 31, 20, tzinfo=UTC)}
    async with sandbox() as (served, _), open_client(served) as shop:
        (made,) = await shop.create_products(NEW_PRODUCTS[:1])
        assert isinstance(made, Stored)
        opened = ProductWrite(id=made.id, sale_price=Decimal("39.90"), **window)  # type: ignore[arg-type]
        taken_back = ProductWrite(id=made.id, sale_price=None, sale_from=None, sale_to=None)
        for write in (opened, taken_back):
            (written,) = await shop.update_products([write])
            assert isinstance(written, Stored)
            assert find_differences("main", write, written.json) == ()


@pytest.mark.parametrize(("key", "secret"), [("ck_sandbox", "cs_wrong"), ("ck_nobody", "cs_sandbox")])
@pytest.mark.parametrize("tls", [True, False])
async def test_a_wrong_key_is_denied_however_it_is_signed(tls: bool, key: str, secret: str) -> None:
    async with sandbox(tls=tls) as (served, _), open_client(served, key, secret) as shop:
        with pytest.raises(AccessDenied) as raised:
            await shop.categories()
    assert "cs_" not in raised.value.message


async def test_a_wrong_clock_is_denied_over_plain_http() -> None:
    async with sandbox() as (served, _), open_client(served, clock=lambda: now() - timedelta(hours=1)) as shop:
        with pytest.raises(AccessDenied, match="timestamp"):
            await shop.categories()


async def test_a_certificate_of_an_unknown_issuer_is_not_trusted() -> None:
    async with sandbox(tls=True) as (served, _), open_client(served, settings={"ca_file": None}) as shop:
        with pytest.raises(Unavailable, match=r"certificate is not trusted .* set ca-file"):
            await shop.categories()


async def test_an_unreachable_shop_is_reported() -> None:
    async with sandbox() as (served, _):
        pass
    async with open_client(served) as shop:
        with pytest.raises(Unavailable, match="nothing was sent"):
            await shop.create_products(NEW_PRODUCTS)


@pytest.mark.parametrize("fault", ["reset", "commit_then_reset", "commit_then_timeout", "truncate"])
async def test_an_interrupted_write_is_unknown_and_is_sent_only_once(fault: Any) -> None:
    async with sandbox() as (served, faults), open_client(served, settings={"timeout": 0.5}) as shop:
        faults.add(InjectedFault(kind=fault, match="POST /wp-json/wc/v3/products/batch", times=1, seconds=5, keep=40))
        with pytest.raises(UnknownOutcome):
            await shop.create_products(NEW_PRODUCTS)
        found = await shop.products_by_sku(["TEA"])

        assert faults.journal.counts["POST /wp-json/wc/v3/products/batch"] == 1
        assert len(found["TEA"]) == (0 if fault == "reset" else 1)


@pytest.mark.parametrize("fault", ["reset", "commit_then_timeout", "truncate"])
async def test_an_interrupted_read_is_unavailable(fault: Any) -> None:
    async with sandbox() as (served, faults), open_client(served, settings={"timeout": 0.5}) as shop:
        added = faults.add(InjectedFault(kind=fault, match="GET .*/categories", seconds=5, keep=10))
        with pytest.raises(Unavailable):
            await shop.categories()
        faults.clear(added)
        assert [category.name for category in (await shop.categories()).records] == ["Uncategorized"]


async def test_a_busy_shop_raises_unavailable_with_its_retry_after() -> None:
    async with sandbox() as (served, faults), open_client(served) as shop:
        faults.add(InjectedFault(kind="status", status=429, headers={"Retry-After": "17"}))
        with pytest.raises(Unavailable) as raised:
            await shop.create_products(NEW_PRODUCTS)
    assert raised.value.retry_after == 17.0


async def test_oauth_signs_each_attempt_and_does_not_change_the_body() -> None:
    """Two requests of one second differ in their nonce."""
    seen: list[httpx.Request] = []

    def shop_answers(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"create": [{"id": 1}, {"id": 2}]})

    parts = settings(url="http://shop.test:8080")
    transport = httpx.MockTransport(shop_answers)
    moment = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
    key, secret = SecretStr("ck_a"), SecretStr("cs_b")
    async with WooCommerce("main", parts, key, secret, clock=lambda: moment, transport=transport) as shop:
        await shop.create_products(NEW_PRODUCTS)
        await shop.create_products(NEW_PRODUCTS)

    headers = [request.headers["authorization"] for request in seen]
    assert headers[0] != headers[1]
    assert all(f'oauth_timestamp="{int(moment.timestamp())}"' in header for header in headers)
    assert all('oauth_signature_method="HMAC-SHA256"' in header and "cs_b" not in header for header in headers)
    assert [record["sku"] for record in json.loads(seen[0].content)["create"]] == ["COF 1.5+&ი", "TEA"]
