"""`davtari backfill orders`: orders of some days that should have a Sale and have none are pushed (claims S3.44, K19).

What is in the books already is left alone, so that it is safe to repeat: the second run pushes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol

from contracts.envelope import Envelope
from contracts.ledger import SaleRecorded
from contracts.model import Event
from contracts.operations import CommandSettled, PushRequested
from contracts.shop import OrderChanged
from services.commands.ask import stamp
from services.order_exporter.content import is_void
from services.shared.documents.trigger import is_triggered
from services.shared.messaging.commands import answers, following, send_all
from services.shared.messaging.reader import read_events
from services.shared.settings import Settings
from services.shared.settings.orders import OrderSettings
from services.shared.tbilisi import TBILISI
from services.shared.woocommerce.order import order_changed
from services.shared.woocommerce.read import ReadError

SERVICE = "order-exporter"


class ListsOrders(Protocol):
    """A shop that lists its orders by the time they were placed."""

    def orders_placed(self, begin: datetime, end: datetime) -> AsyncIterator[Mapping[str, object]]:
        """The JSON of every order placed in this time."""


@dataclass(frozen=True, slots=True)
class Found:
    """What the shop holds of these days: orders that need a Sale, that have one, that wait for their trigger, and why
    others cannot be read."""

    missing: tuple[OrderChanged, ...]
    booked: int
    watched: int
    unreadable: tuple[str, ...]


def span(first: date, last: date) -> tuple[datetime, datetime]:
    """From the first moment of a day in Tbilisi to the last of another, in UTC."""
    begin = datetime.combine(first, time(), TBILISI)
    return begin.astimezone(UTC), (datetime.combine(last, time(), TBILISI) + timedelta(days=1)).astimezone(UTC)


async def look(shop: str, source: ListsOrders, days: tuple[date, date], rules: OrderSettings, sold: set[str]) -> Found:
    """Sort the orders of these days. `sold` holds the orders (`shop:order`) that have their Sale."""
    orders, unreadable = list[OrderChanged](), list[str]()
    keys = {"personal_id_keys": rules.personal_id_keys, "company_id_keys": rules.company_id_keys}
    async for row in source.orders_placed(*span(*days)):
        try:
            orders.append(order_changed(shop, dict(row), **keys))
        except ReadError as error:
            unreadable.append(str(error))
    left = [order for order in orders if order.key not in sold]
    missing = tuple(order for order in left if is_triggered(order, rules) and not is_void(order))
    return Found(missing, len(orders) - len(left), len(left) - len(missing), tuple(unreadable))


async def sold_orders(settings: Settings) -> set[str]:
    """The orders (`shop:order`) whose Sale is recorded."""
    events = read_events(settings.kafka, ["ledger.documents"])
    return {envelope.data.key async for envelope in events if isinstance(envelope.data, SaleRecorded)}


async def push_all(
    settings: Settings, orders: Sequence[OrderChanged], patience: float
) -> dict[str, CommandSettled | None]:
    """Push the orders and give order-exporter's answer for each, by `shop:order`; None where none came in time."""
    if not orders:
        return {}
    commands = {
        order.key: PushRequested(document="order", shop=order.shop, order_id=order.order_id, **stamp())
        for order in orders
    }
    settled: dict[str, CommandSettled] = {}
    async with answers(settings.kafka, "operations") as consumer:
        await send_all(settings.kafka, commands.values(), datetime.now(UTC))
        with suppress(TimeoutError):  # what did not come in time is None
            async with asyncio.timeout(patience):
                await _collect(following(consumer), {one.command_id for one in commands.values()}, settled)
    return {key: settled.get(command.command_id) for key, command in commands.items()}


async def _collect(
    events: AsyncIterator[Envelope[Event]], wanted: set[str], settled: dict[str, CommandSettled]
) -> None:
    while wanted - settled.keys():
        event = (await anext(events)).data
        if isinstance(event, CommandSettled) and event.service == SERVICE and event.command_id in wanted:
            settled[event.command_id] = event
