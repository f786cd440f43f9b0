"""Stock: the figures of a shop, and one of them explained line by line."""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import Response

from services.console.pages.errors import nothing_known
from services.console.pages.parameters import choice_parameter, flag_parameter, text_parameter
from services.console.pages.visit import Visit, redirect
from services.console.queries.stock import list_stock, read_stock


def _(text: str) -> str:
    return text


LINES = {
    "on hand": _("on hand in Balance"),
    "reserved": _("reserved in Balance"),
    "expiring": _("expiring"),
    "in flight": _("in orders that Balance does not have yet"),
    "in kits": _("in kits"),
    "from components": _("from components"),
    "withdrawn": _("withdrawn from Balance"),
    "buffer": _("buffer"),
    "last units": _("last units"),
    "share": _("share of this shop"),
    "cap": _("largest figure shown"),
    "floor": _("never below zero"),
    "rounding": _("rounding"),
}


def chosen_shop(visit: Visit) -> str:
    """The shop in the address, or the first one."""
    return choice_parameter(visit, "shop", visit.site.settings.shops) or next(iter(visit.site.settings.shops))


async def show_stock(visit: Visit) -> Response:
    """A screen of figures; a search for a SKU leads to its page."""
    shop, sku = chosen_shop(visit), text_parameter(visit, "q")
    if sku:
        return redirect(f"/stock/{quote(shop)}/{quote(sku, safe='')}")
    drifted = flag_parameter(visit, "drifted")
    async with visit.read_model() as connection:
        page = await list_stock(connection, shop, text_parameter(visit, "after") or None, drifted=drifted)
    return visit.render("stock.html", page=page, shop=shop, shops=visit.site.settings.shops, drifted=drifted)


async def show_figure(visit: Visit) -> Response:
    """Why a figure is what it is."""
    shop, sku = visit.request.path_params["shop"], visit.request.path_params["sku"]
    async with visit.read_model() as connection:
        found = await read_stock(connection, shop, sku)
    if found is None:
        raise nothing_known(sku)
    return visit.render("stock_figure.html", found=found, shop=shop, sku=sku, names=LINES)
