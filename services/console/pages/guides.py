"""Help: the guides, the reason codes, the settings, and the search."""

from __future__ import annotations

import asyncio

from starlette.responses import Response

from contracts.reason_texts import all_texts, find_text
from services.console.access.roles import ConsoleRole
from services.console.help.manual import read_guide
from services.console.help.search import search_manual
from services.console.help.settings_reference import list_settings
from services.console.pages.errors import nothing_known
from services.console.pages.role_names import ROLE_DUTIES, ROLE_NAMES
from services.console.pages.visit import Visit
from services.settings.translation import translate_reason

LONGEST_QUESTION = 200


async def show_index(visit: Visit) -> Response:
    """What help there is; the guides of one's own roles first."""
    own = set(visit.user.roles) if visit.user else set()
    roles = sorted(ConsoleRole, key=lambda role: role not in own)
    return visit.render(
        "help.html",
        roles=roles,
        names=ROLE_NAMES,
        duties=ROLE_DUTIES,
        reasons={code: translate_reason(text, visit.language) for code, text in all_texts().items()},
        settings=list_settings().values(),
    )


async def show_search(visit: Visit) -> Response:
    """The passages that answer a question."""
    question = visit.request.query_params.get("q", "").strip()[:LONGEST_QUESTION]
    found = await asyncio.to_thread(search_manual, question, visit.language)
    return visit.render("help_search.html", question=question, found=found)


async def show_guide(visit: Visit) -> Response:
    """The guide of one role."""
    role = visit.request.path_params["role"]
    try:
        guide = read_guide(ConsoleRole(role), visit.language)
    except (KeyError, ValueError):
        raise nothing_known(role) from None
    return visit.render("help_guide.html", guide=guide)


async def show_reason(visit: Visit) -> Response:
    """One reason code: cause, effect and fix."""
    code = visit.request.path_params["code"]
    text = find_text(code)
    if text is None:
        raise nothing_known(code)
    return visit.render("help_reason.html", code=code, reason=translate_reason(text, visit.language))


async def show_setting(visit: Visit) -> Response:
    """One setting."""
    key = visit.request.path_params["key"]
    entry = list_settings().get(key)
    if entry is None:
        raise nothing_known(key)
    return visit.render("help_setting.html", entry=entry)
