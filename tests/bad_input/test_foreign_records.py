"""One record with a value that nobody expects, from any source, stops none of the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from contracts.balance import ItemChanged, PriceChanged, StockChanged
from contracts.sample import Sample, samples
from contracts.shop import OrderChanged, RefundIssued
from services.alerts.handlers import handlers as alert_handlers
from services.balance_feed.handlers import Resource
from services.balance_feed.handlers import handlers as balance_feed_handlers
from services.catalog_importer.handlers import handlers as importer_handlers
from services.connectors.http.listing import collect_listing
from services.engine.kafka.record import Record
from services.engine.outbox.handlers import Handlers
from services.order_exporter.handlers import handlers as order_handlers
from services.order_notifier.handlers import handlers as notifier_handlers
from services.refund_exporter.handlers import handlers as refund_handlers
from services.sandbox.woocommerce.refunds import render_refund
from services.stock_publisher.handlers import handlers as publisher_handlers
from services.store_feed.handlers import handlers as store_feed_handlers
from services.store_feed.records import HINT
from tests.alerts.samples import alert_settings
from tests.bad_input.foreign_values import VALUES, marked, raw_json
from tests.balance_feed.feed_bench import FIRST, SECOND, Feed, opened_feed
from tests.store_feed.posting import posts
from tests.store_feed.shop_bench import MAIN, Store, intake, list_rows, open_store
from tests.support.engine_bench import Clock, opened
from tests.support.exporting import settings
from tests.woocommerce.shop_double import client
from tests.woocommerce.shop_double import product as product_json

pytestmark = pytest.mark.claim("K29")
every_value = pytest.mark.parametrize("name", VALUES)
FEW = frozenset(
    {
        "the first half of a surrogate pair",
        "an integer beyond 64 bits",
        "lists nested 300 deep",
        "lists nested 100,000 deep",
        "a moment before the year 1",
        "a moment after the year 9999",
        "NaN",
    }
)
"""The values of the ordinary suite where each costs seconds; the others are for `make test-long`."""


def with_long_ones(values: Iterable[str]) -> list[Any]:
    """The values as parameters, most of them marked as long."""
    return [pytest.param(name, marks=() if name in FEW else pytest.mark.long) for name in values]


ORDER_PLACES: tuple[tuple[Any, ...], ...] = (
    ("id",), ("status",), ("total",), ("date_modified_gmt",), ("date_created_gmt",), ("meta_data",), ("refunds",),
    ("line_items", 0, "quantity"), ("line_items", 0, "meta_data"), ("billing", "first_name"), ("unknown",),
)  # fmt: skip


@pytest.fixture
async def store(tmp_path: Path) -> Any:
    async with open_store(tmp_path / "state") as opened_store:
        await opened_store.swept()
        yield opened_store


@pytest.mark.parametrize("name", with_long_ones(VALUES))
async def test_a_foreign_order_does_not_stop_the_sweep(store: Store, name: str) -> None:
    for way in ORDER_PLACES:
        orders = [store.places() for _ in range(3)]
        listed: list[Any] = list_rows(store, *orders)
        listed[1] = marked(listed[1], *way)
        body, alone = raw_json(listed, VALUES[name]), raw_json(listed[1], VALUES[name])
        store.trouble("status", "GET .*/orders$", status=200, body=body, headers={"X-WP-TotalPages": "1"})
        store.trouble("status", f"GET .*/orders/{orders[1]}$", status=200, body=alone)
        await store.sweep.once()
        stated = await store.looks_once()
        found = {event.order_id for event in stated if isinstance(event, OrderChanged)}
        assert {orders[0], orders[2]} <= found, way
        store.faults.clear()
        store.passes(minutes=10)
        await store.swept()


@pytest.mark.parametrize("name", with_long_ones(VALUES))
async def test_a_foreign_refund_does_not_stop_the_others(store: Store, name: str) -> None:
    order = store.places()
    refunds = [store.refunds(order, "1.00") for _ in range(3)]
    stated: list[Any] = []
    for way in (("id",), ("amount",), ("date_created_gmt",), ("reason",), ("meta_data",), ("line_items",)):
        listed: list[Any] = [
            render_refund(store.shop, store.shop.refunds[refund], with_parent=False) for refund in refunds
        ]
        listed[1] = marked(listed[1], *way)
        store.trouble("status", "GET .*/refunds$", status=200, body=raw_json(listed, VALUES[name]))
        stated += await store.hinted(order)
        store.faults.clear()
        store.passes(minutes=10)
    found = {event.refund_id for event in stated if isinstance(event, RefundIssued)}
    assert {refunds[0], refunds[2]} <= found


@every_value
async def test_a_foreign_product_does_not_stop_the_others(name: str) -> None:
    sound = [product_json(5, "A"), product_json(6, "B"), product_json(7, "C")]
    for way in ("id", "sku", "name", "stock_quantity", "regular_price", "date_modified_gmt", "meta_data", "unknown"):
        body = raw_json([sound[0], marked(sound[1], way), sound[2]], VALUES[name]).encode()
        async with client(_answering(body)) as shop:
            found = await collect_listing(shop.every_product())
        assert {5, 7} <= {one.id for one in found.records}, way


def _answering(body: bytes) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _: httpx.Response(200, content=body, headers={"X-WP-TotalPages": "1"})


BALANCE: dict[str, tuple[Resource, type[Any], tuple[str, ...]]] = {
    "Items": ("items", ItemChanged, ("uid", "Name", "Weight", "Group", "Unknown")),
    "Prices": ("prices", PriceChanged, ("Item", "Price", "PriceType", "Period", "Unknown")),
    "Stocks": ("stock", StockChanged, ("Item", "Quantity", "Warehouse", "Series", "Unknown")),
}


@pytest.mark.parametrize("wrapped", [False, True], ids=["bare", "in an object"])
@pytest.mark.parametrize("resource", BALANCE)
@pytest.mark.parametrize("name", with_long_ones(VALUES))
async def test_a_foreign_row_of_balance_does_not_stop_the_others(
    name: str, resource: str, wrapped: bool, tmp_path: Path
) -> None:
    imported, fact, places = BALANCE[resource]
    async with opened_feed(tmp_path) as feed:
        sound = await _rows(feed, resource)
        odd = next(row for row in sound if (row.get("Item") or row["uid"]) == FIRST)
        for number, place in enumerate(places):
            changed = [marked(row, place) if row is odd else row for row in sound]
            changed = [row | ({"Name": f"Tea {number}"} if row.get("uid") == SECOND else {}) for row in changed]
            body = raw_json({"Items": changed} if wrapped else changed, VALUES[name])
            feed.trouble("status", f"GET .*/{resource}$", status=200, body=body, times=1)
            stated = await feed.imports(imported)
            assert feed.report.missing <= 1, place
            if number == 0 or resource == "Items":
                assert SECOND in [event.item for event in stated if isinstance(event, fact)], place


async def _rows(feed: Feed, resource: str) -> list[Any]:
    async with httpx.AsyncClient(auth=("integration", "sandbox")) as http:
        found: list[Any] = (await http.get(f"{feed.settings.balance.url}/{resource}")).raise_for_status().json()
    return found


@every_value
async def test_a_foreign_webhook_does_not_stop_the_others(store: Store, name: str) -> None:
    order = {"id": 17, "status": "processing", "date_modified_gmt": "2026-11-20T10:00:00"}
    places = [("id",), ("status",), ("date_modified_gmt",), ("meta_data",)]
    odd = [raw_json(marked(order | {"id": 100 + n}, *way), VALUES[name]).encode() for n, way in enumerate(places)]
    here = intake(store.engine)
    answers = await posts(here.receiver, [b'{"id": 18}', *odd, b'{"id": 19}'])
    assert set(answers) == {200}
    await here.hints(store.engine)
    async with store.engine.work() as work:
        hinted = await work.get_many(HINT, [f"{MAIN}:18", f"{MAIN}:19", f"{MAIN}:101", f"{MAIN}:103"])
    assert set(hinted) == {f"{MAIN}:18", f"{MAIN}:19", f"{MAIN}:101", f"{MAIN}:103"}


SERVICES: dict[str, Callable[[], Handlers]] = {
    "order-exporter": lambda: order_handlers(settings()),
    "refund-exporter": lambda: refund_handlers(settings()),
    "order-notifier": lambda: notifier_handlers(settings()),
    "catalog-importer": lambda: importer_handlers(settings()),
    "stock-publisher": lambda: publisher_handlers(settings()),
    "store-feed": lambda: store_feed_handlers([MAIN]),
    "balance-feed": balance_feed_handlers,
    "alerts": lambda: alert_handlers(settings(), alert_settings()),
}
KAFKA_VALUES = VALUES | {f"lists nested {depth} deep": "[" * depth + "]" * depth for depth in (198, 200)}
SOUND = next(sample for sample in samples() if sample.name == "OrderChanged.v1")


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("name", with_long_ones(KAFKA_VALUES))
async def test_a_foreign_record_of_any_topic_does_not_stop_the_others(name: str, service: str, tmp_path: Path) -> None:
    odd = [record for sample in samples() for record in _records(sample, KAFKA_VALUES[name])]
    sound = _record(SOUND, 10_000, SOUND.raw_value().decode())
    async with opened(service, SERVICES[service](), tmp_path, Clock()) as engine:
        await engine.take([*odd, sound])
        await engine.decide_due()
        async with engine.work() as work:
            await work._versions.load([("shop.orders", "main:1042")])
            assert work._versions.get(("shop.orders", "main:1042")).version >= 10_000


def _records(sample: Sample, value: str) -> Iterator[Record]:
    for number, way in enumerate(_places(sample.value)):
        yield _record(sample, number + 2, raw_json(marked(sample.value, *way), value))


def _places(content: dict[str, Any], *way: str) -> Iterator[tuple[str, ...]]:
    """One place for each kind of value of a record, also inside of its objects."""
    kinds: dict[type[Any], str] = {}
    for field, found in content.items():
        kinds.setdefault(type(found), field)
        if isinstance(found, dict):
            yield (*way, field, "unknown")
            yield from _places(found, *way, field)
    yield from ((*way, field) for field in kinds.values())


def _record(sample: Sample, version: int, value: str) -> Record:
    headers = [(name, str(version).encode() if name == "ce_sequence" else raw) for name, raw in sample.raw_headers()]
    return Record(sample.topic, 0, version, 0, sample.key.encode(), value.encode(), headers)
