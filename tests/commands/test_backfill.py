"""Filling up past days: what is due and has no Sale is found, what is booked or not due is left alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from services.commands.backfill.missing import Found, look, span
from services.sandbox import recorded
from services.shared.settings.orders import OrderSettings

DAYS = (date(2026, 11, 1), date(2026, 11, 30))
RULES = OrderSettings()


class Shop:
    """A shop that lists these orders, and notes for which time it was asked."""

    def __init__(self, *orders: dict[str, Any]) -> None:
        self.orders, self.asked = orders, list[tuple[datetime, datetime]]()

    async def orders_placed(self, begin: datetime, end: datetime) -> AsyncIterator[dict[str, Any]]:
        self.asked.append((begin, end))
        for order in self.orders:
            yield order


def row(order_id: int, **fields: Any) -> dict[str, Any]:
    given = recorded.recording(recorded.order_ids()[0]).order
    return given | {"id": order_id, "number": str(order_id), "status": "processing"} | fields


async def found(*orders: dict[str, Any], sold: tuple[str, ...] = ()) -> Found:
    return await look("main", Shop(*orders), DAYS, RULES, set(sold))


@pytest.mark.claim("S3.44", "K19")
async def test_a_due_order_without_a_sale_is_missing_and_after_its_sale_it_is_not() -> None:
    before = await found(row(1), row(2), sold=("main:2",))
    assert ([order.order_id for order in before.missing], before.booked) == ([1], 1)
    after = await found(row(1), row(2), sold=("main:1", "main:2"))
    assert (after.missing, after.booked) == ((), 2)


@pytest.mark.parametrize("fields", [{"status": "cancelled"}, {"status": "pending", "date_paid_gmt": None}])
async def test_an_order_that_is_not_due_is_left_alone(fields: dict[str, Any]) -> None:
    assert (await found(row(1, **fields))) == Found((), 0, 1, ())


async def test_an_order_that_cannot_be_read_is_named_and_the_others_are_found() -> None:
    seen = await found(row(1, total="a lot"), row(2))
    assert [order.order_id for order in seen.missing] == [2]
    assert "order 1" in seen.unreadable[0]


async def test_days_are_those_of_tbilisi() -> None:
    shop = Shop()
    await look("main", shop, DAYS, RULES, set())
    assert shop.asked == [span(*DAYS)]
    assert span(*DAYS) == (datetime(2026, 10, 31, 20, tzinfo=UTC), datetime(2026, 11, 30, 20, tzinfo=UTC))
