"""Days: a calendar of a shop, and the reconciliation of one day."""

from __future__ import annotations

import re
from calendar import Calendar
from datetime import date, timedelta

from starlette.responses import Response

from services.console.pages.errors import nothing_known, wrong_filter
from services.console.pages.parameters import text_parameter
from services.console.pages.rendering import MONTHS
from services.console.pages.stock import chosen_shop
from services.console.pages.visit import Visit
from services.console.queries.days import DaySummary, list_days, read_day
from services.engine.clock import local_day

_MONTH = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])")


def _(text: str) -> str:
    return text


WEEKDAYS = (_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun"))
KINDS = {
    "order": _("orders"),
    "refund": _("refunds"),
    "payment": _("payments"),
}


async def show_calendar(visit: Visit) -> Response:
    """A month of a shop: which days are green, red or open."""
    shop, first = chosen_shop(visit), _read_month(visit)
    weeks = Calendar().monthdatescalendar(first.year, first.month)
    async with visit.read_model() as connection:
        found = await list_days(connection, shop, weeks[0][0].isoformat(), weeks[-1][-1].isoformat())
    days: dict[str, DaySummary] = {day.date: day for day in found}
    shown = {"month": first.month, "title": f"{visit.translate(MONTHS[first.month - 1])} {first.year}"}
    around = {"before": first - timedelta(days=1), "after": first + timedelta(days=31), "today": local_day(visit.now)}
    shops = {"shop": shop, "shops": visit.site.settings.shops, "names": WEEKDAYS}
    return visit.render("days.html", 200, weeks=weeks, days=days, **shown, **around, **shops)


def _read_month(visit: Visit) -> date:
    """The first day of the month in the address, or of this month. Raises `PageError` for what is no month."""
    given = text_parameter(visit, "month")
    if not given:
        return local_day(visit.now).replace(day=1)
    if not (found := _MONTH.fullmatch(given)):
        raise wrong_filter("month", given)
    return date(int(found[1]), int(found[2]), 1)


async def show_day(visit: Visit) -> Response:
    """One day: both sides by kind and VAT rate, and each difference with its cause."""
    shop, given = visit.request.path_params["shop"], visit.request.path_params["date"]
    rules = visit.site.settings.shops.get(shop)
    try:
        day = date.fromisoformat(given)
    except ValueError:
        raise nothing_known(given) from None
    if rules is None or day.isoformat() != given:
        raise nothing_known(f"{shop} {given}")
    async with visit.read_model() as connection:
        found = await read_day(connection, shop, given, rules, visit.now)
    return visit.render("day.html", found=found, shop=shop, date=day, kinds=KINDS)
