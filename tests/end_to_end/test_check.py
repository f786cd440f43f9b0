"""`davtari check` lists what is wrong and how to fix it, and fixes webhooks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from services.accounting.checks import shop as shop_checks
from services.connectors.woocommerce.client import WooCommerce
from services.connectors.woocommerce.order import order_changed
from services.demo.environment import ALL_LIVE, SandboxEnvironment, start_environment
from services.demo.kafka import Broker
from services.engine.clock import utc_now
from services.engine.kafka.topics import create_topics
from services.sandbox.server import serve
from services.sandbox.woocommerce import app as shop_app
from services.sandbox.woocommerce.shop import SandboxShopSettings as ShopSandbox
from services.settings.shop import ShopSettings
from tests.end_to_end.programs import run_davtari

pytestmark = [
    pytest.mark.long,
    pytest.mark.kafka,
    pytest.mark.xdist_group("check"),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(300),
]
FAILED = 1
NOBODY = "11111111-1111-4111-8111-111111111111"


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="made")
async def _made(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SandboxEnvironment]:
    async with start_environment(
        tmp_path_factory.mktemp("check"), kafka.bootstrap_servers, f"t{uuid4().hex[:12]}."
    ) as made:
        await create_topics(made.write_settings(ALL_LIVE).kafka)
        await _set(made, {"rights": {"password": "sandbox-password"}})
        (made.folder / "secrets" / "balance-password").write_text("sandbox-password\n", encoding="utf-8")
        yield made


async def _set(made: SandboxEnvironment, change: dict[str, Any]) -> None:
    (await made.balance.put("/_sandbox/settings", json=change)).raise_for_status()


WRONG: dict[str, tuple[dict[str, Any], dict[str, Any], str, tuple[str, ...]]] = {
    "a missing permission": (
        {"rights": {"forbidden": ["Stocks"]}},
        {},
        "stock",
        ("✗ Stocks   HTTP 403", "Administration → Data synchronization settings"),
    ),
    "an unknown warehouse": (
        {},
        {"shops__main__stock": {"warehouses": ["Main", "Moon"]}},
        "stock",
        ("shops.main.stock.warehouses   Balance has no warehouse Moon", "Vake"),
    ),
    "an unknown client": (
        {},
        {"shops__main__orders": {"retail-client": NOBODY}},
        "orders",
        (f"Balance has no client {NOBODY}",),
    ),
    "an unused price type": (
        {},
        {"shops__main__prices": {"regular-type": NOBODY}},
        "prices",
        (f"no item has a price of the type {NOBODY}", "types in use"),
    ),
    "an invalid account code": (
        {},
        {"balance__template": {"revenue-account": "sales"}},
        "orders",
        ("'sales' is no account code",),
    ),
    "a currency without its uid": (
        {},
        {"balance": {"currency": "USD", "currencies": {"EUR": NOBODY}}},
        "orders",
        ("✗ currency   GEL", "[balance.currencies] GEL"),
    ),
    "a rate that is not mapped": (
        {},
        {"shops__main__orders": {"vat-rates": {"0": "zero", "none": "none"}}},
        "orders",
        ("✗ tax rates", "shops.main.orders.vat-rates"),
    ),
    "a key that may only read": (
        {},
        {"shops__main": {"key-file": "secrets/reads", "secret-file": "secrets/reads-secret"}},
        "prices",
        ("✗ key may write", "REST API"),
    ),
}


@pytest.mark.parametrize("name", WRONG)
async def test_check_lists_what_is_wrong_and_which_flow_cannot_go_live(made: SandboxEnvironment, name: str) -> None:
    change, settings, flow, words = WRONG[name]
    secrets = made.folder / "secrets"
    (secrets / "reads").write_text("ck_sandbox_reads", encoding="utf-8")
    (secrets / "reads-secret").write_text("cs_sandbox_reads", encoding="utf-8")
    made.write_settings(ALL_LIVE, **settings)
    await _set(made, change)
    try:
        result = await run_davtari("check", folder=made.folder)
    finally:
        await _set(made, {"rights": {"forbidden": []}})
    assert result.code == FAILED, result.out
    assert all(word in result.out for word in words), result.out
    (verdict,) = [line for line in result.out.splitlines() if "cannot go live" in line]
    assert flow in verdict.partition(" cannot")[0]


@pytest.mark.claim("K3")
async def test_check_fixes_webhooks_once(made: SandboxEnvironment) -> None:
    made.write_settings(ALL_LIVE)
    # given a shop without webhooks; then they are created; then one is disabled
    bare = await run_davtari("check", folder=made.folder)
    assert (bare.code, "0 of 4 exist" in bare.out, "davtari check --fix" in bare.out) == (FAILED, True, True)
    first = await run_davtari("check", "--fix", folder=made.folder)
    assert (first.code, first.out.count("fixed")) == (0, 4)
    hook = (await made.storefront())["webhooks"][0]
    off = await made.shop.put(f"/wp-json/wc/v3/webhooks/{hook['id']}", json={"status": "disabled"})
    off.raise_for_status()
    named = await run_davtari("check", folder=made.folder)
    assert (named.code, f"{hook['topic']} is disabled" in named.out) == (FAILED, True)
    # when it is fixed twice
    second = await run_davtari("check", "--fix", folder=made.folder)
    third = await run_davtari("check", "--fix", folder=made.folder)
    # then it was enabled once, and nothing was created twice
    assert (second.code, second.out.count("enabled"), third.out.count("fixed")) == (0, 1, 0)
    hooks = (await made.storefront())["webhooks"]
    topics = ["customer.deleted", "order.created", "order.deleted", "order.updated"]
    assert sorted(hook["topic"] for hook in hooks) == topics
    assert {hook["status"] for hook in hooks} == {"active"}


STORAGES = {"own-tables": "HPOS on", "posts": "HPOS off", "both": "HPOS on, compatibility mode"}


@pytest.mark.claim("S0.17")
async def test_an_order_is_read_the_same_from_each_order_storage(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder, facts = tmp_path_factory.mktemp("hpos"), []
    (folder / "key").write_text("ck_sandbox", encoding="utf-8")
    (folder / "secret").write_text("cs_sandbox", encoding="utf-8")
    # given shops that differ in nothing but where they keep their orders
    for stored, expected in STORAGES.items():
        sandbox = shop_app.create_shop(ShopSandbox(orders_in=stored))  # type: ignore[arg-type]
        async with serve(sandbox, tls=True, ca_file=folder / "ca.pem") as served:
            settings = ShopSettings(
                url=served.url, key_file=folder / "key", secret_file=folder / "secret", ca_file=folder / "ca.pem"
            )
            async with WooCommerce("main", settings, *settings.credentials(), clock=utc_now) as client:
                # when davtari checks the shop, then it names the storage and accepts it
                _, rights = await shop_checks.check_key(client)
                (version,) = await shop_checks.check_version(client)
                assert (version.ok, expected in version.message) == (True, True), version
                assert all(finding.ok for finding in rights)
                # and an order is the same fact
                facts.append(await _order(client, served.url, folder))
    assert facts[0] == facts[1] == facts[2]


async def _order(client: WooCommerce, url: str, folder: Path) -> dict[str, Any]:
    trust = httpx.create_ssl_context(verify=str(folder / "ca.pem"))
    async with httpx.AsyncClient(base_url=url, verify=trust, auth=("ck_sandbox", "cs_sandbox")) as direct:
        body = {"status": "processing", "fee_lines": [{"name": "Parcel", "total": "5.00", "tax_status": "none"}]}
        placed = (await direct.post("/wp-json/wc/v3/orders", json=body)).raise_for_status().json()
    order = await client.order(placed["id"])
    assert order is not None
    fact = order_changed("main", order, personal_id_keys=(), company_id_keys=())
    return fact.model_dump(exclude={"created_at", "modified_at", "placed_at", "paid_at", "observed_at"})
