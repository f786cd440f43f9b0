"""Needs attention: dead letters in groups, in lists, and one of them."""

from __future__ import annotations

from starlette.responses import Response

from contracts.reason_texts import ReasonText, find_text
from services.console.access.audit import write_audit
from services.console.access.notes import add_comment, assign, list_comments, read_assignments
from services.console.pages.errors import nothing_known, wrong_filter
from services.console.pages.forms import Form
from services.console.pages.parameters import choice_parameter, text_parameter
from services.console.pages.visit import Visit, redirect
from services.console.queries.dead_letters import (
    DeadLetterDetail,
    DeadLetterQuery,
    list_dead_letters,
    list_groups,
    read_dead_letter,
)
from services.console.queries.page import InvalidCursor
from services.settings.translation import translate_reason

LONGEST_COMMENT = 4000
OWNERS = ("accountant", "storefront", "integrator", "merchant")


async def show_groups(visit: Visit) -> Response:
    """What needs a person, by reason."""
    owner = choice_parameter(visit, "owner", OWNERS)
    async with visit.read_model() as connection:
        groups = await list_groups(connection, owner)
    texts = {group.reason: _translated(visit, group.reason) for group in groups}
    return visit.render("attention.html", groups=groups, texts=texts, owner=owner, owners=OWNERS)


def _translated(visit: Visit, reason: str) -> ReasonText | None:
    text = find_text(reason)
    return translate_reason(text, visit.language) if text else None


async def show_list(visit: Visit) -> Response:
    """A screen of dead letters: open ones, or the history of closed ones."""
    is_open = choice_parameter(visit, "closed", ("yes",)) != "yes"
    wanted = DeadLetterQuery(
        open=is_open,
        reason=text_parameter(visit, "reason"),
        shop=visit.request.query_params.get("shop"),
        owner=choice_parameter(visit, "owner", OWNERS),
    )
    after = text_parameter(visit, "after") or None
    try:
        async with visit.read_model() as connection:
            page = await list_dead_letters(connection, wanted, after)
    except InvalidCursor:
        raise wrong_filter("after", after or "") from None
    async with visit.site.access.read() as connection:
        assigned = await read_assignments(connection, [one.id for one in page.items])
    text = _translated(visit, wanted.reason) if wanted.reason else None
    return visit.render("attention_list.html", page=page, wanted=wanted, text=text, assigned=assigned)


async def show_dead_letter(visit: Visit) -> Response:
    """One dead letter: what happened, what to do, and what people noted."""
    return await _page(visit, await _find(visit), 200)


async def _find(visit: Visit) -> DeadLetterDetail:
    """The dead letter. Raises `PageError` if it is not known."""
    id_ = visit.request.path_params["id"]
    async with visit.read_model() as connection:
        found = await read_dead_letter(connection, id_)
    if found is None:
        raise nothing_known(id_)
    return found


async def _page(visit: Visit, found: DeadLetterDetail, status: int, problem: str = "") -> Response:
    id_ = found.summary.id
    async with visit.site.access.read() as connection:
        comments = await list_comments(connection, id_)
        assigned = (await read_assignments(connection, [id_])).get(id_)
    text = _translated(visit, found.summary.reason)
    given = {"text": text, "comments": comments, "assigned": assigned, "problem": problem}
    return visit.render("dead_letter.html", status, dead_letter=found.summary, timeline=found.timeline, **given)


def _(text: str) -> str:
    return text


NO_COMMENT = _("Write the comment first.")


async def change_dead_letter(visit: Visit, form: Form) -> Response:
    """Comment on it, take it, or give it back: the button says which."""
    found, action = await _find(visit), form.text("do")
    subject, text = found.summary.id, form.text("text", LONGEST_COMMENT)
    if action == "comment" and not text:
        return await _page(visit, found, 422, visit.translate(NO_COMMENT))
    location = f"/attention/{subject}"
    async with visit.carry_out(form, location) as connection:
        if action == "comment":
            await add_comment(connection, subject, visit.person.name, text, visit.now)
        else:
            await assign(connection, subject, visit.person.name if action == "take" else None, visit.now)
        name = {"comment": "comment", "take": "take"}.get(action, "give-back")
        await write_audit(connection, visit.now, visit.person.name, name, subject, text, result="done")
    return redirect(location)
