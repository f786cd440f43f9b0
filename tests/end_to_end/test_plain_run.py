"""The plain run: both directions, seven processes, real Kafka, and nobody needs to do anything."""

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
from tests.end_to_end import journal
from tests.end_to_end.sockets import listening_ports
from tests.end_to_end.stage import ALL, Stage, stage
from tests.end_to_end.waiting import until

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
"""Pieces that the settings of the stage keep back of every item."""


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="stage")
async def _stage(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with stage(tmp_path_factory.mktemp("plain-run"), kafka.bootstrap_servers) as made:
        await made.programs.start(*ALL)
        yield made


@pytest.mark.claim("S0.2", "S0.11", "S0.12", "S2.6", "S2.19", "S4.1")
async def test_what_the_shop_sells_and_gives_back_comes_into_the_books(stage: Stage) -> None:
    # given twelve paid orders, four of which are given back, in part or whole
    given_back = [stage.supply.refunded() for _ in range(4)]
    await stage.place(*stage.supply.orders(8), *[order_id for order_id, _ in given_back])
    await stage.until(lambda: len(stage.ledger.sales) == 12, "twelve Sales")
    # when the shop refunds them
    for order_id, refund_ids in given_back:
        await stage.refund(order_id, *refund_ids)
    # then everything stands in the books once
    await stage.closes()
    assert {sale.how for sale in stage.ledger.sales.values()} == {"written"}
    assert not any(sale.differences for sale in stage.ledger.sales.values())


@pytest.mark.claim("S0.38")
async def test_an_order_given_up_before_it_was_paid_makes_no_document(stage: Stage) -> None:
    # given an order that waits for its payment
    unpaid = next(i for i in list_order_ids() if not get_recording(i).order["date_paid"] and get_recording(i).notes)
    await stage.place(unpaid, status="pending")
    key = f"main:{unpaid}"
    await stage.until(lambda: key in stage.ledger.orders, "the order was read")
    # when its buyer gives it up, and another order is sold afterwards
    answer = await stage.world.shop.put(f"/wp-json/wc/v3/orders/{unpaid}", json={"status": "cancelled"})
    answer.raise_for_status()
    await stage.until(lambda: stage.ledger.orders[key].status == "cancelled", "the cancellation was read")
    await stage.place(stage.supply.order())
    # then only the other one is in the books
    await stage.closes()
    assert key not in stage.ledger.sales


@pytest.mark.claim("S0.1", "S2.9", "S2.22", "S4.3", "S4.15", "S4.20")
async def test_a_new_item_a_price_and_a_quantity_changed_in_balance_appear_in_the_shop(stage: Stage) -> None:
    # given a product that the shop sells
    sku, known = next((link.sku, link.item) for link in stage.ledger.links.values() if _sold_by_piece(link))
    # when Balance gets a new item, and another price and quantity of that one
    new = next(good for good in requested_goods(STANDARD_CATALOGUE) if good.article == sku)
    await stage.change("items/7d9b6f0e-8a3c-4d55-9c11-2f0f6a1b7e01", **new.fields("N-1") | {"InternalArticle": "NEW-1"})
    stage.expected |= {"NEW-1"}
    await stage.change("prices", item=known, price="77.70")
    await stage.change("stocks", item=known, warehouse="Main", quantity="31", reserve="0")
    await stage.change("stocks", item=known, warehouse="Vake", quantity="0", reserve="0")
    for resource in ("items", "prices", "stock"):
        assert (await stage.davtari("import", resource)).code == 0

    # then all three are in the shop
    async def shown() -> bool:
        products = (await stage.world.storefront())["products"]
        shelf, new_one = products[sku], products.get("NEW-1", {"status": "missing"})
        told = (shelf["regular_price"], shelf["stock_quantity"], new_one["status"])
        return bool(told == ("77.70", 31 - BUFFER, "draft"))

    await until(shown, "the new item, price and quantity are in the shop")
    await stage.closes()


def _sold_by_piece(link: ProductLinked) -> bool:
    return link.how == "created" and link.sku.startswith("EXTRA")


@pytest.mark.claim("I1", "S3.17")
async def test_the_shop_shows_what_balance_has_less_reserve_and_buffer(stage: Stage) -> None:
    # given a shop whose orders are all in the books, when Balance's stock is read after that
    await stage.closes()
    assert (await stage.imported("stock")).outcome == "done"
    held = await stage.stock_in_balance()

    # then every figure in the shop is what Balance holds for it, by Balance's own account
    async def wrong() -> list[str]:
        products = (await stage.world.storefront())["products"]
        stated = [link for link in stage.ledger.links.values() if link.item in held]
        return [link.sku for link in stated if products[link.sku]["stock_quantity"] != _free(held[link.item])]

    async def right() -> bool:
        return not await wrong()

    await until(right, f"the shop's figures, of which wrong: {await wrong()}")
    await stage.closes()


def _free(held: dict[str, dict[str, str]]) -> int:
    sold_from = [held[name] for name in ("Main", "Vake") if name in held]
    free = sum((Decimal(level["quantity"]) - Decimal(level["reserve"]) for level in sold_from), Decimal(-BUFFER))
    return int(max(free, Decimal(0)).to_integral_value(ROUND_FLOOR))


@pytest.mark.claim("S2.2", "K15")
async def test_a_second_import_writes_nothing(stage: Stage) -> None:
    # given a shop that holds what Balance says
    await stage.closes()
    before = await stage.writes()
    # when everything is imported again
    for resource in ("items", "prices", "stock"):
        said = await stage.davtari("import", resource, "--json")
        assert said.json["figures"]["changed"] == 0, said.out
    # and an order goes the whole way after that
    await stage.place(stage.supply.order())
    await stage.closes()
    # then neither a product was written nor a document that stood there already
    after = await stage.writes()
    stock = {f"POST /wp-json/wc/v3/products/{of}": 1 for of in ("batch", "{id}/variations/batch")}
    assert after["shop"] - before["shop"] <= Counter(stock), "no more than the stock of what the order took"
    assert (after["balance"] - before["balance"]).total() <= 2


@pytest.mark.claim("S4.4")
async def test_the_shop_is_used_through_woocommerces_own_rest_api_alone(stage: Stage) -> None:
    # given a shop that got products and stock, and whose orders are in the books
    await stage.place(stage.supply.order())
    await stage.closes()
    # then every request went to WooCommerce's REST API or to the index that names it: no plugin answered any
    paths = {entry["path"] for entry in await journal.requests(stage.world.shop)}
    assert {path for path in paths if not path.startswith("/wp-json/wc/v3/")} <= {"/", "/wp-json/"}
    resources = {path.split("/")[4] for path in paths if path.startswith("/wp-json/wc/v3/")}
    assert {"products", "orders"} <= resources <= WOOCOMMERCE_RESOURCES


@pytest.mark.claim("S4.7")
async def test_no_service_that_calls_balance_listens_on_a_port(stage: Stage) -> None:
    # given services that have read Balance and written to it
    await stage.place(stage.supply.order())
    await stage.closes()
    # then only the receiver of webhooks listens, so that a Balance on the premises needs no inbound port
    ports = {name: listening_ports(stage.programs[name].process.pid) for name in ALL}
    assert {name: found for name, found in ports.items() if found} == {"store-feed": {stage.settings.receiver.port}}
