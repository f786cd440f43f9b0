"""Needs attention: dead letters in groups, in lists, and one of them."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from contracts.operations import Command, DiscardRequested, ReplayRequested
from contracts.reason_texts import ReasonText, find_text
from services.console.access.audit import write_audit
from services.console.access.notes import add_comment, assign, list_comments, read_assignments
from services.console.access.roles import ConsoleRole, Permission
from services.console.pages.commands import AuditedCommand, issue_command, read_progress
from services.console.pages.errors import not_allowed, nothing_known
from services.console.pages.forms import Form
from services.console.pages.parameters import choice_parameter, text_parameter
from services.console.pages.role_names import list_roles
from services.console.pages.visit import Visit, redirect
from services.console.queries.dead_letters import (
    DeadLetterDetail,
    DeadLetterQuery,
    list_dead_letters,
    list_groups,
    read_dead_letter,
)
from services.settings.translation import translate_reason

LONGEST_COMMENT = 4000
Problems = dict[str, str]
"""What is wrong, by the field to correct."""
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
    async with visit.read_model() as connection:
        page = await list_dead_letters(connection, wanted, after)
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


async def _page(visit: Visit, found: DeadLetterDetail, status: int, problems: Problems | None = None) -> Response:
    id_ = found.summary.id
    async with visit.site.access.read() as connection:
        comments = await list_comments(connection, id_)
        assigned = (await read_assignments(connection, [id_])).get(id_)
    return visit.render(
        "dead_letter.html",
        status,
        dead_letter=found.summary,
        timeline=found.timeline,
        text=_translated(visit, found.summary.reason),
        comments=comments,
        assigned=assigned,
        problems=problems or {},
        may_resolve=may_resolve(visit, found.summary.owner),
        progress=await read_progress(visit),
    )


def _(text: str) -> str:
    return text


NO_REASON = _("Say why it is given up.")
NO_COMMENT = _("Write the comment first.")


def may_resolve(visit: Visit, owner: str) -> bool:
    """Whether the person may close a dead letter: operators any, others those that are theirs to resolve."""
    return visit.site.issue is not None and (
        visit.may(Permission.SEE_OPERATIONS) or (visit.may(Permission.RESOLVE) and owner in visit.person.roles)
    )


async def close_dead_letter(visit: Visit, form: Form) -> Response:
    """Replay it or discard it, in the person's name."""
    found, why = await _find(visit), form.text("why", LONGEST_COMMENT)
    id_, page = found.summary.id, f"/attention/{quote(found.summary.id)}"
    if not may_resolve(visit, found.summary.owner):
        raise not_allowed(list_roles([ConsoleRole.OPERATOR], visit.language))
    if form.text("do") == "replay":
        make = partial(_replay, id_)
        return await issue_command(visit, form, make, AuditedCommand("replay", id_), page)
    if not why:
        return await _page(visit, found, 422, {"why": visit.translate(NO_REASON)})
    return await issue_command(visit, form, partial(_discard, id_, why), AuditedCommand("discard", id_, why), page)


def _replay(dead_letter: str, header: dict[str, Any]) -> Command:
    return ReplayRequested(dead_letter=dead_letter, **header)


def _discard(dead_letter: str, why: str, header: dict[str, Any]) -> Command:
    return DiscardRequested(dead_letter=dead_letter, why=why, **header)


async def change_dead_letter(visit: Visit, form: Form) -> Response:
    """Comment on it, take it, or give it back: the button says which."""
    found, action = await _find(visit), form.text("do")
    subject, text = found.summary.id, form.text("text", LONGEST_COMMENT)
    if action == "comment" and not text:
        return await _page(visit, found, 422, {"text": visit.translate(NO_COMMENT)})
    location = f"/attention/{quote(subject)}"
    async with visit.carry_out(form, location) as connection:
        if action == "comment":
            await add_comment(connection, subject, visit.person.name, text, visit.now)
        else:
            await assign(connection, subject, visit.person.name if action == "take" else None, visit.now)
        name = {"comment": "comment", "take": "take"}.get(action, "give-back")
        await write_audit(connection, visit.now, visit.person.name, name, subject, text, result="done")
    return redirect(location)
