"""Approvals: documents that wait for the accountant, by shape, and what was approved before."""

from __future__ import annotations

from functools import partial
from typing import Any

from starlette.responses import Response

from contracts.approvals import ApprovalGiven
from contracts.operations import Command
from services.console.access.roles import Permission
from services.console.pages.commands import AuditedCommand, issue_command, read_progress
from services.console.pages.errors import nothing_known
from services.console.pages.forms import Form
from services.console.pages.parameters import text_parameter
from services.console.pages.visit import Visit
from services.console.queries.approvals import list_approval_history, list_approvals

LONGEST_REASON = 1000


def _(text: str) -> str:
    return text


STATES = (_("waiting"), _("approved"), _("closed"))
"""Collected for translation."""


async def show_approvals(visit: Visit) -> Response:
    """The shapes with documents that wait."""
    async with visit.read_model() as connection:
        shapes = await list_approvals(connection)
    may_approve = visit.may(Permission.APPROVE) and visit.site.issue is not None
    return visit.render("approvals.html", shapes=shapes, may_approve=may_approve, progress=await read_progress(visit))


async def approve(visit: Visit, form: Form) -> Response:
    """Approve a document that waits, or its whole shape."""
    shop, document, why = form.text("shop"), form.text("document"), form.text("why", LONGEST_REASON)
    async with visit.read_model() as connection:
        shapes = await list_approvals(connection, shop)
    shape = next((one.shape for one in shapes if document in [asked.document for asked in one.waiting]), None)
    if shape is None:
        raise nothing_known(document)
    whole = form.text("do") == "shape"
    make = partial(_approval, shop, shape, None if whole else document, why)
    subject = f"{shop}: {shape}" if whole else document
    return await issue_command(visit, form, make, AuditedCommand("approve", subject, why), "/approvals")


def _approval(shop: str, shape: str, document: str | None, why: str, header: dict[str, Any]) -> Command:
    return ApprovalGiven(shop=shop, shape=shape, document=document, why=why, **header)


async def show_history(visit: Visit) -> Response:
    """Every document that was to be approved, the newest first."""
    async with visit.read_model() as connection:
        page = await list_approval_history(connection, text_parameter(visit, "after") or None)
    return visit.render("approvals_history.html", page=page)
