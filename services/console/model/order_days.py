"""On which days an order belongs into the books by what the shop and people state; the documents have their own dates.

They find the orders of a day; the figures are computed when a day is shown.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Column, Index, String

from contracts.closing import DayClosed, DifferenceAccepted
from contracts.envelope import Envelope
from contracts.ledger import is_reversal
from contracts.model import Event, Part
from services.console.model.days.entries import is_bookable, match_payments, refund_day, sale_day
from services.console.model.history import OrderHistory
from services.console.model.rows import metadata
from services.engine.clock import local_date
from services.engine.outbox.handlers import Remember
from services.engine.state.records import Kind, State
from services.engine.state.tables import record_table
from services.settings.shop import ShopSettings


class OrderDayRow(Part):
    """An order belongs into the books of a day, or a refund or payment of it does."""

    shop: str
    date: str


order_days = record_table(
    "order_days",
    metadata,
    Column("shop", String, nullable=False),
    Column("date", String, nullable=False),
    Index("order_days_by_date", "date", "shop", "ref"),
)
ORDER_DAYS = Kind("order-day-row", OrderDayRow, order_days)
"""By order and date; the reference is the order."""


class ClosedDayRow(Part):
    """The last close of a day."""

    close: DayClosed

    @property
    def shop(self) -> str:
        """The shop."""
        return self.close.shop

    @property
    def date(self) -> str:
        """The day."""
        return self.close.date


closed_days = record_table(
    "closed_days",
    metadata,
    Column("shop", String, nullable=False),
    Column("date", String, nullable=False),
    Index("closed_days_by_date", "shop", "date"),
)
CLOSED_DAYS = Kind("closed-day-row", ClosedDayRow, closed_days)
"""By shop and day."""
ACCEPTED = Kind("difference-accepted", DifferenceAccepted)
"""By difference; the reference is the shop and day."""


def day_ref(shop: str, date: str) -> str:
    """The reference of a day."""
    return f"{shop}:{date}"


def _on_closed(envelope: Envelope[DayClosed], state: State) -> None:
    state.put(CLOSED_DAYS, envelope.data.key, ClosedDayRow(close=envelope.data))


def _on_accepted(envelope: Envelope[DifferenceAccepted], state: State) -> None:
    accepted = envelope.data
    state.put(ACCEPTED, accepted.key, accepted, ref=day_ref(accepted.shop, accepted.date))


DAY_RULES: dict[type[Event], Remember] = {DayClosed: _on_closed, DifferenceAccepted: _on_accepted}


def derive_days(key: str, shop: str, history: OrderHistory, rules: ShopSettings, state: State) -> None:
    """Write the rows of the days of an order."""
    dates = set(find_days(history, rules))
    for gone in state.find(ORDER_DAYS, key).keys() - {f"{key}|{date}" for date in dates}:
        state.drop(ORDER_DAYS, gone)
    for date in dates:
        state.put(ORDER_DAYS, f"{key}|{date}", OrderDayRow(shop=shop, date=date), ref=key)


def find_days(history: OrderHistory, rules: ShopSettings) -> Iterator[str]:
    """The days on which the shop or a person states something of this order that belongs into the books."""
    if is_bookable(history, rules.orders) and history.order is not None:
        if (date := sale_day(history, rules.orders)) is not None:
            yield date
        for refund_id, refund in history.refunds.items():
            if not is_reversal(refund_id):
                yield refund_day(local_date(refund.created_at), history.notes.get(refund_id), rules.orders)
    if rules.flows.payments != "off":
        stated = match_payments(history, rules.orders, rules.payments)
        yield from (shop.date for shop, _ in stated.values() if shop)
