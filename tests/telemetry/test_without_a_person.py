"""The share of orders exported without a person, computed from events (claim S4.5)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from contracts.approvals import ApprovalAsked
from contracts.model import Event
from contracts.operations import DeadLettered, PushRequested
from services.cli.freshness import UntouchedOrders, freshness_lines, read_untouched_orders
from services.engine.state.files import database_path
from services.order_exporter.handlers import handlers
from services.order_exporter.readings import UntouchedOrdersReadings
from services.settings.model import StateSettings
from tests.outbox.bench import Bench, open_bench
from tests.outbox.sample_service import NAME, NOW, record
from tests.support.exporting import SHOP
from tests.telemetry.paid_orders import LATE, SOON, USING, paid, sold
from tests.telemetry.scrape import scrape

pytestmark = pytest.mark.claim("S4.5")
COMMAND = {"command_id": "c", "asked_by": "nino", "asked_at": NOW}


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """order-exporter without deliveries."""
    async with open_bench(tmp_path, handlers(USING)) as found:
        found.clock.now = NOW
        yield found


async def count(bench: Bench) -> float | None:
    """The number of orders of the window that needed no person."""
    found = scrape(await UntouchedOrdersReadings(USING.shops, USING.freshness)(bench.database, bench.clock()))
    return found("davtari_paid_orders_untouched", service="order-exporter", shop=SHOP)


def push(**more: Any) -> PushRequested:
    return PushRequested(document="order", shop=SHOP, order_id=1, **(COMMAND | more))


def waiting() -> ApprovalAsked:
    what = {"document": f"sale:{SHOP}:1", "kind": "sale", "order_id": 1, "shape": "cash", "total": 60}
    return ApprovalAsked.model_validate({"shop": SHOP, "currency": "GEL", "asked_at": NOW} | what)


def dead_letter_of(service: str) -> DeadLettered:
    fields = {"reason": "order.line-unlinked", "detail": "d", "about": "order 1", "digest": "d", "at": NOW}
    return DeadLettered(dead_letter="dead-letter-1", service=service, original_key=f"{SHOP}:1", **fields)


@pytest.mark.parametrize(
    ("happened", "left"),
    [
        ([], 2),
        ([push()], 1),
        ([push(dry_run=True)], 2),
        ([waiting()], 1),
        ([dead_letter_of("refund-exporter")], 1),
        ([dead_letter_of("catalog-importer")], 2),
        ([push(), waiting()], 1),
    ],
    ids=["nothing", "push", "dry run", "approval", "a refund's dead letter", "an item's dead letter", "twice"],
)
async def test_an_order_that_needed_a_person_is_not_counted(bench: Bench, happened: list[Event], left: int) -> None:
    first, second = paid(1), paid(2)
    await bench.take(*[record(fact) for fact in (first, second, sold(first, SOON), sold(second, LATE))])
    await bench.take(*[record(event) for event in happened])
    assert await count(bench) == left


async def test_a_dead_letter_counts_although_the_order_went_through_later(bench: Bench) -> None:
    bought = paid(1)
    await bench.take(record(bought), record(dead_letter_of("order-exporter")), record(sold(bought, SOON)))
    assert await count(bench) == 0


async def test_status_states_the_share_over_the_window(bench: Bench, tmp_path: Path) -> None:
    first, second, old = paid(1), paid(2), paid(3, NOW - timedelta(days=31))
    facts = (first, second, old, sold(first, SOON), sold(second, SOON), sold(old, SOON))
    await bench.take(*[record(fact) for fact in facts], record(push()))
    folder = tmp_path / "as the service calls it"
    folder.mkdir()
    database_path(folder, "order-exporter").symlink_to(database_path(tmp_path, NAME))
    using = USING.model_copy(update={"state": StateSettings(directory=folder)})
    found = read_untouched_orders(using, NOW)
    assert found == [UntouchedOrders(SHOP, 2, 1, 30)]
    assert list(freshness_lines([], [], found)) == [f"Without a person: 1 of 2 orders of {SHOP}, 50.00%"]
    assert list(freshness_lines([], [], [UntouchedOrders(SHOP, 0, 0, 30)])) == []
