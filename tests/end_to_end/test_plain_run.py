"""A run without faults: both directions, one process per service, real Kafka, no manual action."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from decimal import ROUND_FLOOR, Decimal

import pytest
import pytest_asyncio

from contracts.catalog import ProductLinked
from services.demo.kafka import Broker
from services.sandbox.balance.catalogue import STANDARD_CATALOGUE, requested_goods
from services.sandbox.recorded import get_recording, list_order_ids
from tests.end_to_end import sandbox_requests
from tests.end_to_end.sockets import list_listening_ports
from tests.end_to_end.system import ALL_SERVICES, SystemUnderTest, start_system
from tests.end_to_end.waiting import wait_until

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.xdist_group("plain-run"),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(300),
]
WOOCOMMERCE_RESOURCES = frozenset(
    {"products", "orders", "refunds", "customers", "webhooks", "taxes", "settings", "data", "system_status", "shipping"}
)
"""What WooCommerce's REST API has without any plugin, as far as Davtari uses it."""
BUFFER = 2
"""Pieces that the settings of the system keep back of every item."""


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="system")
async def _system(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SystemUnderTest]:
    async with start_system(tmp_path_factory.mktemp("plain-run"), kafka.bootstrap_servers) as made:
        await made.programs.start(*ALL_SERVICES)
        yield made


@pytest.mark.claim("S0.2", "S0.11", "S0.12", "S2.6", "S2.19", "S4.1")
async def test_orders_and_refunds_are_recorded_in_the_books(system: SystemUnderTest) -> None:
    # given twelve paid orders, four of which are refunded later, partly or fully
    given_back = [system.supply.refunded() for _ in range(4)]
    await system.place(*system.supply.orders(8), *[order_id for order_id, _ in given_back])
    await system.wait_until(lambda: len(system.ledger.sales) == 12, "twelve Sales")
    # when the shop refunds them
    for order_id, refund_ids in given_back:
        await system.refund(order_id, *refund_ids)
    # then everything is in the books once
    await system.wait_until_consistent()
    assert {sale.how for sale in system.ledger.sales.values()} == {"written"}
    assert not any(sale.differences for sale in system.ledger.sales.values())


@pytest.mark.claim("S0.38")
async def test_an_order_cancelled_before_payment_creates_no_document(system: SystemUnderTest) -> None:
    # given an order that waits for its payment
    unpaid = next(i for i in list_order_ids() if not get_recording(i).order["date_paid"] and get_recording(i).notes)
    await system.place(unpaid, status="pending")
    key = f"main:{unpaid}"
    await system.wait_until(lambda: key in system.ledger.orders, "the order was read")
    # when its buyer cancels it, and another order is placed afterwards
    answer = await system.world.shop.put(f"/wp-json/wc/v3/orders/{unpaid}", json={"status": "cancelled"})
    answer.raise_for_status()
    await system.wait_until(lambda: system.ledger.orders[key].status == "cancelled", "the cancellation was read")
    await system.place(system.supply.order())
    # then only the other one is in the books
    await system.wait_until_consistent()
    assert key not in system.ledger.sales


@pytest.mark.claim("S0.1", "S2.9", "S2.22", "S4.3", "S4.15", "S4.20")
async def test_new_items_prices_and_stock_of_balance_appear_in_the_shop(system: SystemUnderTest) -> None:
    # given a product that the shop sells
    sku, known = next((link.sku, link.item) for link in system.ledger.links.values() if _sold_by_piece(link))
    # when Balance gets a new item, and another price and quantity of that one
    new = next(good for good in requested_goods(STANDARD_CATALOGUE) if good.article == sku)
    await system.change(
        "items/7d9b6f0e-8a3c-4d55-9c11-2f0f6a1b7e01", **new.fields("N-1") | {"InternalArticle": "NEW-1"}
    )
    system.expected |= {"NEW-1"}
    await system.change("prices", item=known, price="77.70")
    await system.change("stocks", item=known, warehouse="Main", quantity="31", reserve="0")
    await system.change("stocks", item=known, warehouse="Vake", quantity="0", reserve="0")
    for resource in ("items", "prices", "stock"):
        assert (await system.run_davtari("import", resource)).code == 0

    # then all three are in the shop
    async def shown() -> bool:
        products = (await system.world.storefront())["products"]
        product, new_one = products[sku], products.get("NEW-1", {"status": "missing"})
        found = (product["regular_price"], product["stock_quantity"], new_one["status"])
        return bool(found == ("77.70", 31 - BUFFER, "draft"))

    await wait_until(shown, "the new item, price and quantity are in the shop")
    await system.wait_until_consistent()


def _sold_by_piece(link: ProductLinked) -> bool:
    return link.how == "created" and link.sku.startswith("EXTRA")


@pytest.mark.claim("I1", "S3.17")
async def test_the_shop_shows_what_balance_has_less_reserve_and_buffer(system: SystemUnderTest) -> None:
    # given a shop whose orders are all in the books, when Balance's stock is read after that
    await system.wait_until_consistent()
    assert (await system.import_now("stock")).outcome == "done"
    held = await system.stock_in_balance()

    # then every figure in the shop is what Balance holds for it, by Balance's own account
    async def wrong() -> list[str]:
        products = (await system.world.storefront())["products"]
        stated = [link for link in system.ledger.links.values() if link.item in held]
        return [link.sku for link in stated if products[link.sku]["stock_quantity"] != _free(held[link.item])]

    async def right() -> bool:
        return not await wrong()

    await wait_until(right, f"the shop's figures, of which wrong: {await wrong()}")
    await system.wait_until_consistent()


def _free(held: dict[str, dict[str, str]]) -> int:
    sold_from = [held[name] for name in ("Main", "Vake") if name in held]
    free = sum((Decimal(level["quantity"]) - Decimal(level["reserve"]) for level in sold_from), Decimal(-BUFFER))
    return int(max(free, Decimal(0)).to_integral_value(ROUND_FLOOR))


@pytest.mark.claim("S2.2", "K15")
async def test_a_second_import_writes_nothing(system: SystemUnderTest) -> None:
    # given a shop that holds what Balance says
    await system.wait_until_consistent()
    before = await system.writes()
    # when everything is imported again
    for resource in ("items", "prices", "stock"):
        result = await system.run_davtari("import", resource, "--json")
        assert result.json["figures"]["changed"] == 0, result.out
    # and an order is exported after that
    await system.place(system.supply.order())
    await system.wait_until_consistent()
    # then neither a product was written nor a document that existed before
    after = await system.writes()
    stock = {f"POST /wp-json/wc/v3/products/{of}": 1 for of in ("batch", "{id}/variations/batch")}
    assert after["shop"] - before["shop"] <= Counter(stock), "no more than the stock of what the order took"
    assert (after["balance"] - before["balance"]).total() <= 2


@pytest.mark.claim("S4.4")
async def test_only_the_standard_woocommerce_rest_api_is_used(system: SystemUnderTest) -> None:
    # given a shop that got products and stock, and whose orders are in the books
    await system.place(system.supply.order())
    await system.wait_until_consistent()
    # then every request went to WooCommerce's REST API or to the index that names it: no plugin answered any
    paths = {entry["path"] for entry in await sandbox_requests.list_requests(system.world.shop)}
    assert {path for path in paths if not path.startswith("/wp-json/wc/v3/")} <= {"/", "/wp-json/"}
    resources = {path.split("/")[4] for path in paths if path.startswith("/wp-json/wc/v3/")}
    assert {"products", "orders"} <= resources <= WOOCOMMERCE_RESOURCES


@pytest.mark.claim("S4.7")
async def test_no_service_that_calls_balance_listens_on_a_port(system: SystemUnderTest) -> None:
    # given services that have read Balance and written to it
    await system.place(system.supply.order())
    await system.wait_until_consistent()
    # then only the receiver of webhooks listens, so that a Balance on the premises needs no inbound port
    ports = {name: list_listening_ports(system.programs[name].process.pid) for name in ALL_SERVICES}
    assert {name: found for name, found in ports.items() if found} == {"store-feed": {system.settings.receiver.port}}
