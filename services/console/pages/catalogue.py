"""Catalogue: items of Balance with what each shop has of them, and what the importer plans."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from contracts.reason_texts import find_text
from services.console.pages.parameters import choice_parameter, text_parameter
from services.console.pages.stock import chosen_shop
from services.console.pages.visit import Visit
from services.console.queries.catalogue import ItemQuery, count_plans, list_items, list_plans
from services.settings.translation import translate_reason


def _(text: str) -> str:
    return text


ACTIONS = {"create": _("create"), "adopt": _("adopt"), "update": _("update"), "skip": _("leave alone")}


async def show_items(visit: Visit) -> Response:
    """A screen of items."""
    wanted = ItemQuery(text=text_parameter(visit, "q"))
    async with visit.read_model() as connection:
        page = await list_items(connection, wanted, text_parameter(visit, "after") or None)
    return visit.render("catalogue.html", page=page, wanted=wanted, actions=ACTIONS, shops=visit.site.settings.shops)


async def show_plans(visit: Visit) -> Response:
    """What would change in a shop, and what would not, with the reason."""
    shop, action = chosen_shop(visit), choice_parameter(visit, "action", ACTIONS)
    async with visit.read_model() as connection:
        counts = await count_plans(connection, shop)
        page = await list_plans(connection, shop, action, text_parameter(visit, "after") or None)
    reasons = {count.reason: _cause(visit, count.reason) for count in counts if count.reason}
    given: dict[str, Any] = {"counts": counts, "reasons": reasons, "actions": ACTIONS, "action": action}
    return visit.render("plans.html", page=page, shop=shop, shops=visit.site.settings.shops, **given)


def _cause(visit: Visit, reason: str) -> str:
    text = find_text(reason)
    return translate_reason(text, visit.language).cause if text else reason
