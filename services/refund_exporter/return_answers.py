"""How a pushed return request is answered: with its plan, or why there is none. Nothing is written (claim S0.25)."""

from __future__ import annotations

from datetime import datetime

from contracts.delivery_ids import order_key
from contracts.envelope import Envelope
from contracts.operations import CommandSettled
from contracts.returns import ReturnPlanned, ReturnRequested
from services.accounting.documents.figures import number
from services.accounting.documents.push import ANSWER, READING
from services.accounting.documents.unbookable import Unbookable
from services.engine.state.records import Kind, State
from services.refund_exporter.composition import compose_task
from services.refund_exporter.context import RefundContext, earlier_notes
from services.refund_exporter.projection import SERVICE
from services.refund_exporter.return_note import ReturnCredit, return_note
from services.refund_exporter.sale_basis import compute_remainder
from services.refund_exporter.tasks import CreditNoteTask, note_content

REQUEST = Kind("return-request", ReturnRequested)
"""By command; the reference is the order."""


def return_requested(envelope: Envelope[ReturnRequested], state: State) -> None:
    """Remember a request until it is answered."""
    request = envelope.data
    order = order_key(request.shop, request.order_id)
    state.put(REQUEST, request.command_id, request, ref=order)
    state.touch(order)


def return_answers(context: RefundContext) -> tuple[ReturnPlanned | CommandSettled, ...]:
    """The plans and answers that are due now. A plan credits what refunds and their credit notes leave of the Sale."""
    due = (request for request in _unanswered(context) if not _read_until(request, context))
    return tuple(event for request in due for event in _answer(request, context))


def reading_until(context: RefundContext) -> datetime | None:
    """Until when requests wait for refunds that store-feed may still be reading; None if none waits."""
    ends = (_read_until(request, context) for request in _unanswered(context))
    return min((end for end in ends if end), default=None)


def _unanswered(context: RefundContext) -> list[ReturnRequested]:
    requests = context.state.find(REQUEST, context.order).values()
    answered = context.state.get_many(ANSWER, (request.command_id for request in requests))
    return [request for request in requests if request.command_id not in answered]


def _read_until(request: ReturnRequested, context: RefundContext) -> datetime | None:
    until = request.asked_at + READING
    waits = context.shop.flows.refunds != "off" and _unread_refunds(request, context) and context.state.now < until
    return until if waits else None


def _unread_refunds(request: ReturnRequested, context: RefundContext) -> list[int]:
    known = {refund.refund_id for refund in context.refunds.values()}
    return [id_ for id_ in request.refund_ids if id_ not in known]


def _answer(request: ReturnRequested, context: RefundContext) -> tuple[ReturnPlanned | CommandSettled, ...]:
    task = _build_task(request, context)
    if isinstance(task, str):
        return (_command_settled(request, context, task, is_refused=True),)
    answer = _command_settled(
        request, context, f"{_describe(task, request)}; nothing is written to Balance or the shop"
    )
    return (answer,) if request.dry_run else (_return_planned(task, request, context), answer)


def _build_task(request: ReturnRequested, context: RefundContext) -> CreditNoteTask | str:
    """The credit note as it would be sent, or why there is none."""
    if context.shop.flows.refunds == "off":
        return f'shops.{request.shop}.flows.refunds is "off": nothing is planned'
    if unread := _unread_refunds(request, context):
        ids = ", ".join(map(str, unread))
        return f"refund {ids} of its order is not read yet: check that store-feed runs, then push it again"
    if context.basis is None:
        return "its order has no Sale in Balance yet, and none is planned"
    try:
        earlier = earlier_notes(context, context.basis)
        remainder = compute_remainder(context.basis, [line for note in earlier for line in note.lines])
        note = return_note(request, context.basis, remainder)
        return compose_task(ReturnCredit(request), note, context.basis, earlier, context.shop.orders, context.balance)
    except Unbookable as error:
        return error.detail


def _return_planned(task: CreditNoteTask, request: ReturnRequested, context: RefundContext) -> ReturnPlanned:
    content = {name: value for name, value in note_content(task).items() if name in ReturnPlanned.model_fields}
    now = context.state.now
    return ReturnPlanned(**content, request=request.request, command_id=request.command_id, planned_at=now)


def _describe(task: CreditNoteTask, request: ReturnRequested) -> str:
    pieces = ", ".join(f"{number(line.quantity)} of {line.item} for {line.amount}" for line in task.lines)
    result = "not kept, since it is a dry run" if request.dry_run else "planned"
    return f"a credit note of {task.total} {task.currency}, VAT {task.vat} ({pieces}) on Sale {task.sale}: {result}"


def _command_settled(
    request: ReturnRequested, context: RefundContext, detail: str, *, is_refused: bool = False
) -> CommandSettled:
    name = f"return request {request.request} of order {request.order_id} of shop {request.shop}"
    return CommandSettled(
        command_id=request.command_id,
        service=SERVICE,
        outcome="refused" if is_refused else "done",
        detail=f"{name}: {detail}",
        settled_at=context.state.now,
    )
