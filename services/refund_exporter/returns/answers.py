"""What a pushed return request is answered: its plan, or why there can be none. Nothing is written (claim S0.25)."""

from __future__ import annotations

from datetime import datetime

from contracts.delivery_ids import order_key
from contracts.envelope import Envelope
from contracts.operations import CommandSettled
from contracts.returns import ReturnPlanned, ReturnRequested
from services.accounting.documents.push import ANSWER, READING
from services.accounting.documents.unbookable import Unbookable
from services.accounting.documents.written import number
from services.engine.state.records import Kind, State
from services.refund_exporter.announce import note_content
from services.refund_exporter.case import Case, earlier_notes
from services.refund_exporter.compose import compose
from services.refund_exporter.left import left_of
from services.refund_exporter.projection import SERVICE
from services.refund_exporter.returns.plan import Return, return_note
from services.refund_exporter.tasks import CreditNoteTask

REQUEST = Kind("return-request", ReturnRequested)
"""By command; the reference is the order."""


def return_requested(envelope: Envelope[ReturnRequested], state: State) -> None:
    """Remember a request until it is answered."""
    asked = envelope.data
    state.put(REQUEST, asked.command_id, asked, ref=order_key(asked.shop, asked.order_id))
    state.touch(order_key(asked.shop, asked.order_id))


def return_answers(case: Case) -> tuple[ReturnPlanned | CommandSettled, ...]:
    """Plans and answers that are owed now. The plan is on what refunds and their credit notes leave of the Sale."""
    return tuple(event for asked in _owed(case) if not _read_until(asked, case) for event in _answer(asked, case))


def reading_until(case: Case) -> datetime | None:
    """Until when requests wait for refunds that store-feed may still be reading; None when none does."""
    return min((until for asked in _owed(case) if (until := _read_until(asked, case))), default=None)


def _owed(case: Case) -> list[ReturnRequested]:
    requests = case.state.find(REQUEST, case.order).values()
    answered = case.state.get_many(ANSWER, (asked.command_id for asked in requests))
    return [asked for asked in requests if asked.command_id not in answered]


def _read_until(asked: ReturnRequested, case: Case) -> datetime | None:
    until = asked.asked_at + READING
    waits = case.shop.flows.refunds != "off" and _unread(asked, case) and case.state.now < until
    return until if waits else None


def _unread(asked: ReturnRequested, case: Case) -> list[int]:
    known = {refund.refund_id for refund in case.refunds.values()}
    return [id_ for id_ in asked.refund_ids if id_ not in known]


def _answer(asked: ReturnRequested, case: Case) -> tuple[ReturnPlanned | CommandSettled, ...]:
    task = _task(asked, case)
    if isinstance(task, str):
        return (_settled(asked, case, "", task),)
    told = _settled(asked, case, _told(task, asked))
    return (told,) if asked.dry_run else (_planned(task, asked, case), told)


def _task(asked: ReturnRequested, case: Case) -> CreditNoteTask | str:
    """The credit note as it would be sent, or why there is none."""
    if case.shop.flows.refunds == "off":
        return f'shops.{asked.shop}.flows.refunds is "off": nothing is planned'
    if unread := _unread(asked, case):
        return f"refund {', '.join(map(str, unread))} of its order is not read yet: does store-feed run? Push it again"
    if case.basis is None:
        return "its order has no Sale in Balance yet, and none is planned"
    try:
        earlier = earlier_notes(case, case.basis)
        left = left_of(case.basis, [line for note in earlier for line in note.lines])
        note = return_note(asked, case.basis, left)
        return compose(Return(asked), note, case.basis, earlier, case.shop.orders, case.balance)
    except Unbookable as error:
        return error.detail


def _planned(task: CreditNoteTask, asked: ReturnRequested, case: Case) -> ReturnPlanned:
    content = {name: value for name, value in note_content(task).items() if name in ReturnPlanned.model_fields}
    return ReturnPlanned(**content, request=asked.request, command_id=asked.command_id, planned_at=case.state.now)


def _told(task: CreditNoteTask, asked: ReturnRequested) -> str:
    pieces = ", ".join(f"{number(line.quantity)} of {line.item} for {line.amount}" for line in task.lines)
    kept = "not kept, since it is a dry run" if asked.dry_run else "planned"
    return f"a credit note of {task.total} {task.currency}, VAT {task.vat} ({pieces}) on Sale {task.sale}: {kept}"


def _settled(asked: ReturnRequested, case: Case, done: str, refused: str = "") -> CommandSettled:
    return CommandSettled(
        command_id=asked.command_id,
        service=SERVICE,
        outcome="refused" if refused else "done",
        detail=f"return request {asked.request} of order {asked.order_id} of shop {asked.shop}: {refused or done}"
        + ("" if refused else "; nothing is written to Balance or the shop"),
        settled_at=case.state.now,
    )
