"""The day of a Sale in the books."""

from __future__ import annotations

from datetime import datetime, timedelta

from contracts.reasons import Reason
from services.accounting.documents.due_date import due_moment
from services.accounting.documents.period import is_closed
from services.accounting.documents.unbookable import Unbookable, setting_key
from services.engine.clock import local_date
from services.order_exporter.projection import KnownOrder
from services.settings.orders import OrderSettings

A_DAY = timedelta(days=1)


def booking_date(known: KnownOrder, settings: OrderSettings) -> str:
    """The day (`YYYY-MM-DD`, Tbilisi) of the moment that made the Sale due.

    Raises `Unbookable` for a moment after the order's own last change, which somebody has typed, and for a closed day.
    """
    moment = due_moment(known.order, settings, known.status_since)
    if moment > known.order.modified_at + A_DAY:
        raise _ahead(known, moment)
    day = local_date(moment)
    if is_closed(day, settings.locked_until):
        raise _locked(known, day, settings)
    return day


def _ahead(known: KnownOrder, moment: datetime) -> Unbookable:
    order = known.order
    return Unbookable(
        Reason.SALE_DATE_AHEAD,
        f"order {order.number} of shop {order.shop} became due on {local_date(moment)}, after its own last change on "
        f"{local_date(order.modified_at)}: correct its date of payment or completion in the shop",
    )


def _locked(known: KnownOrder, day: str, settings: OrderSettings) -> Unbookable:
    order = known.order
    return Unbookable(
        Reason.BALANCE_PERIOD_CLOSED,
        f"order {order.number} of shop {order.shop} became due on {day}, and "
        f"{setting_key(order.shop, 'locked-until')} = {settings.locked_until} closes that day: open the period and set "
        "it back, or book the order by hand",
    )
