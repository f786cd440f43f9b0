"""Orders that never reached the topics: the close of the day asks the shop and names them, backfill brings them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from contracts.closing import DayClosed
from services.demo.kafka import Broker
from services.engine.clock import local_date, utc_now
from services.sandbox.woocommerce import values
from tests.end_to_end import sandbox_requests
from tests.end_to_end.system import ALL_SERVICES, SystemUnderTest, start_system

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.long,
    pytest.mark.xdist_group("lost-orders"),
    pytest.mark.timeout(300),
    pytest.mark.claim("K32", "I2", "K19", "S3.44"),
]


def backdate_order(system: SystemUnderTest, order_id: int) -> str:
    """Date the order three days back (placed, paid, modified); returns that day."""
    assert system.world.original is not None
    order, at = system.world.original.orders[order_id], utc_now() - timedelta(days=3)
    for field in ("date_created", "date_paid", "date_modified"):
        values.set_date(order, field, at)
    return local_date(at)


async def day_close(system: SystemUnderTest, date: str) -> tuple[int, dict[str, Any]]:
    result = await system.run_davtari("day-close", "--date", date, "--json")
    [day] = result.json["days"]
    return result.code, day


async def backfill(system: SystemUnderTest, date: str, *options: str) -> tuple[int, dict[str, Any]]:
    result = await system.run_davtari("backfill", "orders", "--from", date, "--to", date, "--json", *options)
    [shop] = result.json["shops"]
    return result.code, shop


async def test_orders_missing_from_the_topics_are_found_by_day_close_and_backfilled(
    kafka: Broker, tmp_path: Path
) -> None:
    async with start_system(tmp_path, kafka.bootstrap_servers) as made:
        # given an order with a refund from before Davtari, that no webhook and no sweep will ever report
        order, [refund, *_] = made.supply.refunded()
        await made.place(order)
        await made.refund(order, refund)
        date = backdate_order(made, order)
        await made.programs.start("up", services=len(ALL_SERVICES))
        # then its day is not green and names the command that exports the order
        code, day = await day_close(made, date)
        found = {one["order_id"]: one["cause"] for one in day["differences"]}
        assert (code, day["green"], day["shop_asked"]) == (1, False, True)
        assert f"davtari backfill orders --shop main --from {date} --to {date}" in found[order]
        # when it is backfilled: first in a dry run, which shows the same step
        _, shown = await backfill(made, date, "--dry-run")
        assert [(step["order_id"], step["action"], step["outcome"]) for step in shown["steps"]] == [
            (order, "read", None)
        ]
        assert f"main:{order}" not in made.ledger.orders
        code, filled = await backfill(made, date)
        assert (code, [step["order_id"] for step in filled["steps"]]) == (0, [order]), filled
        # then order and refund are in the books, a second run does nothing, and the day is green
        await made.wait_until_consistent()
        assert (await backfill(made, date))[1]["steps"] == []
        code, day = await day_close(made, date)
        assert (code, day["green"], day["differences"]) == (0, True, [])
        # and a day for which the shop does not answer is neither green nor signed
        closes = sum(isinstance(event.data, DayClosed) for event in made.ledger.story)
        async with sandbox_requests.inject_fault(made.world.shop, kind="outage", match="GET .*/orders"):
            code, day = await day_close(made, date)
        assert (code, day["green"], day["shop_asked"]) == (3, False, False)
        assert "shop main did not answer" in day["not_asked"][0]
        assert sum(isinstance(event.data, DayClosed) for event in made.ledger.story) == closes
