"""Orders: the list with its filters in the address, and one order."""

from __future__ import annotations

from starlette.responses import Response

from services.console.access.audit import write_audit
from services.console.access.roles import Permission
from services.console.model.order_states import STATES
from services.console.pages.errors import nothing_known
from services.console.pages.parameters import (
    amount_parameter,
    choice_parameter,
    day_parameter,
    end_of,
    flag_parameter,
    moment_parameter,
    start_of,
    text_parameter,
)
from services.console.pages.states import LOOKS
from services.console.pages.visit import Visit
from services.console.queries.order_detail import OrderDetail, read_order
from services.console.queries.orders import OrderFilter, search_orders

LARGEST_ID = 2**63 - 1


async def show_orders(visit: Visit) -> Response:
    """A screen of orders."""
    wanted = _read_filter(visit)
    await _audit_people(visit, "orders", shown=wanted.people)
    after = text_parameter(visit, "after") or None
    async with visit.read_model() as connection:
        page = await search_orders(connection, wanted, after)
    given = {key: value for key, value in visit.request.query_params.items() if key != "after" and value}
    return visit.render(
        "orders.html",
        page=page,
        wanted=wanted,
        given=given,
        states=STATES,
        looks=LOOKS,
        shops=visit.site.settings.shops,
    )


def _read_filter(visit: Visit) -> OrderFilter:
    state = choice_parameter(visit, "state", STATES)
    return OrderFilter(
        shop=choice_parameter(visit, "shop", visit.site.settings.shops),
        states=tuple(one for one in STATES if one == state),
        status=text_parameter(visit, "status"),
        payment_method=text_parameter(visit, "payment"),
        text=text_parameter(visit, "q"),
        people=_sees_people(visit),
        since=start_of(day_parameter(visit, "from")),
        until=end_of(day_parameter(visit, "to")),
        total=amount_parameter(visit, "total"),
        differs=flag_parameter(visit, "differs"),
        has_dead_letter=flag_parameter(visit, "attention"),
    )


def _sees_people(visit: Visit) -> bool:
    """Whether people are shown in full: the reader asks for it and may see them."""
    return flag_parameter(visit, "people") and visit.may(Permission.SEE_PEOPLE)


async def _audit_people(visit: Visit, subject: str, *, shown: bool) -> None:
    """Note in the audit log that somebody sees people in full, before they do."""
    if shown:
        async with visit.site.access.write() as connection:
            reason = visit.request.url.query[:200] if subject == "orders" else ""
            await write_audit(connection, visit.now, visit.person.name, "see-people", subject, reason, result="done")


async def show_order(visit: Visit) -> Response:
    """One order."""
    shop, number = visit.request.path_params["shop"], visit.request.path_params["order"]
    until, people = moment_parameter(visit, "at"), _sees_people(visit)
    found = await _find(visit, shop, number, people=people)
    if until is not None:
        async with visit.read_model() as connection:
            found = await read_order(connection, shop, int(number), people=people, until=until) or found
    await _audit_people(visit, f"{shop}:{number}", shown=people)
    return visit.render("order.html", order=found, people=people, at=text_parameter(visit, "at"), looks=LOOKS)


async def _find(visit: Visit, shop: str, number: str, *, people: bool) -> OrderDetail:
    """The order. Raises `PageError` if it is not known."""
    if shop not in visit.site.settings.shops or not (number.isascii() and number.isdecimal()):
        raise nothing_known(f"{shop}:{number}")
    if int(number) > LARGEST_ID:
        raise nothing_known(f"{shop}:{number}")
    async with visit.read_model() as connection:
        found = await read_order(connection, shop, int(number), people=people)
    if found is None:
        raise nothing_known(f"{shop}:{number}")
    return found
