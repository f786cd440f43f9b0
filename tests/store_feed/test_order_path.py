"""An order from its webhook to its Sale in Balance in one process, and the modules of ours that run code for it.

The count is a property of the test's report; `pytest -s -k order_path` prints the modules.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.ledger import SaleRecorded
from contracts.shop import OrderChanged
from services.order_exporter import handlers as order_handlers
from services.order_exporter.deliveries import deliveries
from services.sandbox.balance.catalogue import MAIN, RETAIL_CLIENT
from services.sandbox.balance.record import make_uid
from tests.outbox.bench import open_bench
from tests.outbox.sample_service import record
from tests.store_feed.shop_bench import Store, intake
from tests.support.balance_sandbox import client_of, sandbox
from tests.support.called_modules import record_called_modules
from tests.support.exporting import link, settings
from tests.support.memory_state import NOON


async def test_the_webhook_of_an_order_leads_to_its_sale(
    store: Store, tmp_path: Path, record_property: pytest.RecordProperty
) -> None:
    """Given a linked product, when the shop sends the webhook of a paid order, then its Sale is recorded."""
    intake_of_webhooks = intake(store.engine)
    store.subscribes()
    using = settings(retail_client=RETAIL_CLIENT, warehouse=MAIN)
    async with (
        client_of(sandbox()) as balance,
        open_bench(tmp_path / "exporter", order_handlers.handlers(using)) as bench,
    ):
        await bench.take(record(link(10, item=make_uid("item", "sku:SKU-001"))))
        lane = deliveries(balance, using.balance.dialect, lambda: NOON)[order_handlers.SALE_LANE]
        store.places(payment_method="bog", set_paid=True)
        with record_called_modules() as modules:
            await store.delivers(intake_of_webhooks.receiver)
            await intake_of_webhooks.hints(store.engine)
            [order] = [event for event in await store.looks() if isinstance(event, OrderChanged)]
            await bench.take(record(order))
            [row] = await bench.engine.claim(order_handlers.SALE_LANE, 10, ())
            [outcome] = await lane([row])
            await bench.settle(row, outcome)
        events = [type(each.data) for each in await bench.published()]
    record_property("modules", len(modules))
    print(len(modules), *sorted(modules), sep="\n")
    assert events == [SaleRecorded]
    assert {"services.store_feed.webhook", "services.order_exporter.deliveries"} <= modules
