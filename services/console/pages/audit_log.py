"""The audit log."""

from __future__ import annotations

from starlette.responses import Response

from services.console.access.audit import list_audit
from services.console.pages.errors import wrong_filter
from services.console.pages.visit import Visit

SCREEN = 50


async def show_audit(visit: Visit) -> Response:
    """The newest entries, or those before a number."""
    user = visit.request.query_params.get("user", "")[:100]
    async with visit.site.access.read() as connection:
        found = await list_audit(connection, _before(visit), user, SCREEN + 1)
    more = found[SCREEN - 1].number if len(found) > SCREEN else None
    return visit.render("audit.html", entries=found[:SCREEN], user=user, more=more)


def _before(visit: Visit) -> int | None:
    given = visit.request.query_params.get("before", "")
    if not given:
        return None
    if not (given.isascii() and given.isdecimal() and len(given) < 16):
        raise wrong_filter("before", given)
    return int(given)
