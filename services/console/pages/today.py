"""Today: whether everything is all right, at a glance."""

from __future__ import annotations

from starlette.responses import Response

from services.console.pages.charts import Bar, draw_bars
from services.console.pages.parameters import choice_parameter
from services.console.pages.visit import Visit
from services.console.queries.today import Today, read_today


async def show_today(visit: Visit) -> Response:
    """The orders and the money of the day, and what waits for a person."""
    shop = choice_parameter(visit, "shop", visit.site.settings.shops)
    async with visit.read_model() as connection:
        today = await read_today(connection, visit.now, shop)
    shops = visit.site.settings.shops
    return visit.render("today.html", today=today, chart=_chart(today), shop=shop, shops=shops)


def _chart(today: Today) -> list[Bar]:
    return draw_bars(today.by_hour)
