"""Health: feeds, machines, gates of live flows and shops, by what the services have stated."""

from __future__ import annotations

from starlette.responses import Response

from services.console.pages.visit import Visit
from services.console.queries.health import read_health


def _(text: str) -> str:
    return text


VERDICTS = {"passed": ("good", "✓", _("passed")), "shut": ("bad", "✗", _("shut")), "lost": ("warn", "!", _("lost"))}
"""How the verdict of a gate looks: its class, its mark and its name."""


async def show_health(visit: Visit) -> Response:
    """What works and what does not."""
    async with visit.read_model() as connection:
        health = await read_health(connection)
    return visit.render("health.html", health=health, verdicts=VERDICTS)
