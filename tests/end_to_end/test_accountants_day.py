"""An accountant's first live day: new shapes wait for approval, then flow; the day closes green or says why not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from contracts.approvals import ApprovalAsked
from contracts.closing import DayClosed
from contracts.reasons import Reason
from services.demo.kafka import Broker
from services.engine.clock import local_date
from tests.end_to_end.system import ALL_SERVICES, SystemUnderTest, start_system

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.long,
    pytest.mark.xdist_group("accountants-day"),
    pytest.mark.timeout(300),
]


def asked(system: SystemUnderTest) -> set[str]:
    return {e.data.document for e in system.ledger.story if isinstance(e.data, ApprovalAsked)}


def asked_at(system: SystemUnderTest, key: str) -> str:
    """When the accountant was asked about an order: its Sale was not there yet."""
    return next(e.time.isoformat() for e in system.ledger.story if e.subject == f"approval:sale:{key}")


def closes(system: SystemUnderTest) -> list[DayClosed]:
    return [e.data for e in system.ledger.story if isinstance(e.data, DayClosed)]


async def day_close(system: SystemUnderTest, date: str, *options: str) -> tuple[int, dict[str, Any]]:
    result = await system.run_davtari("day-close", "--date", date, "--json", *options)
    [day] = result.json["days"]
    return result.code, day


def reasons(day: dict[str, Any]) -> Iterable[str]:
    return [one["reason"] for one in day["differences"]]


@pytest.mark.claim("S1.12", "I2", "I4", "I5", "S3.13")
async def test_orders_are_exported_after_approval_and_the_day_closes_green(kafka: Broker, tmp_path: Path) -> None:
    async with start_system(tmp_path, kafka.bootstrap_servers, shops__main__orders={"approve-first": 1}) as made:
        await made.programs.start(*ALL_SERVICES)
        # given three orders of shapes that nobody has approved
        orders = made.supply.orders(3)
        await made.place(*orders)
        await made.wait_until(lambda: len(asked(made)) == 3, "three questions to the accountant")
        listed = (await made.run_davtari("approvals", "list", "--json")).json["shapes"]
        assert {one["document"] for shape in listed for one in shape["waiting"]} == asked(made)
        # then their day is not green, and says for what it waits
        order = made.ledger.orders[f"main:{orders[0]}"]
        code, open_day = await day_close(made, local_date(order.paid_at or order.created_at))
        assert code == 1 and Reason.APPROVAL_WAITS in reasons(open_day)
        # when one is approved alone and the others by their shapes
        assert (await made.run_davtari("approve", "document", f"sale:main:{orders[0]}", "--why", "checked")).code == 0
        shapes = await asyncio.gather(*(made.run_davtari("approve", "shape", shape["id"]) for shape in listed))
        assert {one.code for one in shapes} == {0}
        await made.wait_until(lambda: len(made.ledger.sales) == 3, "three Sales")
        # then the days are green, and Balance says the same
        await made.wait_until_consistent()
        for date_ in {sale.date for sale in made.ledger.sales.values()}:
            code, green = await day_close(made, date_, "--read-back")
            assert (code, green["green"], green["differences"]) == (0, True, [])
        # and a Sale edited in Balance by hand is found
        sale = made.ledger.sales[f"main:{orders[0]}"]
        answer = await made.world.balance.post(
            f"/_sandbox/sales/{sale.sale}/edit", json={"Date": "2020-01-01T00:00:00"}
        )
        answer.raise_for_status()
        code, edited = await day_close(made, sale.date, "--read-back")
        assert code == 1 and "changed by hand" in edited["differences"][0]["cause"]
        # and the order can be shown as of any time, and a backfill of the days finds nothing to do
        then, filled = await asyncio.gather(
            made.run_davtari("order", "main", str(orders[0]), "--json", "--at", asked_at(made, sale.key)),
            made.run_davtari("backfill", "orders", "--from", "2020-01-01", "--to", "2030-01-01", "--json"),
        )
        assert (then.json["sale"], then.json["shop"]) == (None, f"{sale.total}")
        assert (filled.code, filled.json["shops"][0]["steps"], filled.json["shops"][0]["booked"]) == (0, [], 3)
        # and every close is an event with the one who signed it
        await made.wait_until(lambda: closes(made)[-1].green is False, "the last close")
        assert all(close.closed_by and close.digest for close in closes(made))
