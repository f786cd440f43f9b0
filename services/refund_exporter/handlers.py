"""What refund-exporter decides about the refunds of an order: credit notes, plans, or reports to the accountant."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from contracts.delivery_ids import changed_credit_note_id, credit_note_id, refund_key, removed_credit_note_id, sale_id
from contracts.ledger import CreditNotePlanned, CreditNoteRecorded, NothingToCredit
from contracts.operations import CommandSettled
from contracts.reasons import Reason
from contracts.returns import ReturnRequested
from contracts.shop import RefundIssued
from services.accounting.documents import approval
from services.accounting.documents.push import Push, build_answers, wait_until
from services.accounting.documents.unbookable import Unbookable
from services.engine.outbox.decision import NOTHING, Decision, Delivery, Refusal
from services.engine.outbox.handlers import Handlers, compose_rules
from services.engine.outbox.outcome import Blocked
from services.engine.state.records import State
from services.refund_exporter.approvals import approval_block, approval_questions
from services.refund_exporter.context import RefundContext, WantedNotes, load_context, plan_notes
from services.refund_exporter.projection import NOTE_PLAN, NOTHING_DUE, REMEMBER, SERVICE
from services.refund_exporter.refund import is_changed, refund_name
from services.refund_exporter.return_answers import reading_until, return_answers, return_requested
from services.refund_exporter.tasks import CreditNoteTask, note_planned
from services.settings import Settings

TOPICS = ("shop.orders", "shop.refunds", "ledger.documents", "operations")
LANE = "balance.documents"


def handlers(settings: Settings) -> Handlers:
    """The rules of refund-exporter under these settings. Subjects are `shop:order`."""
    rules = compose_rules({**REMEMBER, ReturnRequested: return_requested}, approval.approval_rules("credit-note"))
    return Handlers(topics=TOPICS, remember=rules, decide=partial(decide, settings))


def decide(settings: Settings, subject: str, state: State) -> Decision:
    """Everything the refunds of an order need now."""
    shop = settings.shops.get(subject.partition(":")[0])
    if shop is None:
        return NOTHING
    context = load_context(subject, shop, settings.balance, state)
    if shop.flows.refunds == "off":
        return Decision(announce=(*_push_answers(context, {}), *return_answers(context)))
    wanted = plan_notes(context)
    return Decision(
        deliveries=_deliveries(context, wanted) if context.is_live else (),
        announce=(
            *approval_questions(context, wanted),
            *(_plans(context, wanted) if context.wants_plans else ()),
            *_nothing_to_credit(context),
            *_push_answers(context, wanted),
            *return_answers(context),
        ),
        refuse=(*_failures(context, wanted), *_refunds_of_part(context), *_outdated_notes(context)),
        again_at=_again_at(context),
    )


def _again_at(context: RefundContext) -> datetime | None:
    """When pushed refunds will have been read."""
    ends = (wait_until(_unread_pushes(context), context.state.now), reading_until(context))
    return min((end for end in ends if end), default=None)


def _deliveries(context: RefundContext, wanted: WantedNotes) -> tuple[Delivery, ...]:
    if not context.is_sold:
        sale_expected = not (context.never_sold or context.part_of)
        return tuple(_waiting(context, *each) for each in context.open_refunds().items() if sale_expected)
    tasks = ((key, task) for key, task in wanted.items() if isinstance(task, CreditNoteTask))
    return tuple(
        _delivery(context, credit_note_id(key), task.model_dump(mode="json"), approval_block(context, key, task))
        for key, task in tasks
    )


def _delivery(context: RefundContext, id_: str, payload: dict[str, object], blocked: Blocked | None = None) -> Delivery:
    return Delivery(id_, "credit-note", LANE, context.order, payload, blocked)


def _waiting(context: RefundContext, key: str, refund: RefundIssued) -> Delivery:
    """A credit note that cannot be computed yet. It is never sent in this form: its release decides the order again."""
    blocked = Blocked(
        on=sale_id(context.order),
        reason=Reason.REFUND_SALE_MISSING,
        detail=f"{refund_name(refund)}: its order has no Sale in Balance yet. If it never gets one, book it by hand",
    )
    return _delivery(context, credit_note_id(key), {"refund": key, "waits_for": blocked.on}, blocked)


def _plans(context: RefundContext, wanted: WantedNotes) -> list[CreditNotePlanned]:
    tasks = ((key, task) for key, task in wanted.items() if isinstance(task, CreditNoteTask))
    return [note_planned(task, context.state.now) for key, task in tasks if not _is_announced(context, key, task)]


def _is_announced(context: RefundContext, key: str, task: CreditNoteTask) -> bool:
    known = context.state.get(NOTE_PLAN, key)
    return known is not None and known.content_digest == task.content_digest and known.sent == task.document


def _nothing_to_credit(context: RefundContext) -> list[NothingToCredit]:
    """The open refunds of an order that was never sold (rule 24), each announced once."""
    if not context.never_sold or context.part_of:
        return []
    events = (
        NothingToCredit(
            shop=refund.shop,
            order_id=refund.order_id,
            refund_id=refund.refund_id,
            amount=refund.amount,
            currency=refund.currency,
            why=context.never_sold,
            seen_at=context.state.now,
        )
        for refund in context.open_refunds().values()
    )
    return [event for event in events if not _is_known(context, event)]


def _is_known(context: RefundContext, event: NothingToCredit) -> bool:
    known = context.state.get(NOTHING_DUE, refund_key(event.key, event.refund_id))
    return known is not None and (known.amount, known.why) == (event.amount, event.why)


def _failures(context: RefundContext, wanted: WantedNotes) -> list[Refusal]:
    """Refunds that can have no credit note. Without a recorded Sale in a live flow they only wait for it.

    Refunds booked by hand are not reported here: the day close lists them.
    """
    if context.is_manual or (context.is_live and not context.is_sold):
        return []
    errors = ((key, error) for key, error in wanted.items() if isinstance(error, Unbookable))
    return [_refusal(context, credit_note_id(key), error.reason, error.detail) for key, error in errors]


def _refunds_of_part(context: RefundContext) -> list[Refusal]:
    """Refunds of an order that is part of its parent's Sale: a person decides which lines of that Sale they credit."""
    if context.part_of is None or context.is_sold:
        return []
    why = (
        f"its order is part of order {context.part_of.parent_id}, whose Sale contains it: credit that Sale by hand in "
        "Balance, then discard this"
    )
    return [
        _refusal(context, credit_note_id(key), Reason.REFUND_OF_PART, f"{refund_name(refund)}: {why}")
        for key, refund in context.open_refunds().items()
    ]


def _outdated_notes(context: RefundContext) -> list[Refusal]:
    """Recorded credit notes whose refund was removed or changed: only an accountant can correct them."""
    found = [refusal for key, note in context.notes.items() if (refusal := _outdated_note(context, key, note))]
    return [*found, *_outdated_reversal(context)]


def _outdated_reversal(context: RefundContext) -> list[Refusal]:
    """An order that came back after its Sale was reversed, unless the policy gives it a new Sale."""
    note = context.reversed_by
    if note is None or context.is_given_up or context.shop.orders.after_sale == "credit-and-new-sale":
        return []
    detail = (
        f"order {note.order_id} of shop {note.shop} was given up and its Sale credited by "
        f"{note.number or note.credit_note} over {note.total}, and now the order is active again: delete that credit "
        "note in Balance"
    )
    return [
        _refusal(
            context, removed_credit_note_id(refund_key(context.order, note.refund_id)), Reason.SALE_RESTORED, detail
        )
    ]


def _outdated_note(context: RefundContext, key: str, note: CreditNoteRecorded) -> Refusal | None:
    refund, name = context.refunds.get(key), note.number or note.credit_note
    what = f"refund {note.refund_id} of order {note.order_id} of shop {note.shop}"
    if key in context.removed:
        detail = (
            f"{what} was removed in the shop, but its credit note {name} over {note.total} is still in Balance: delete "
            "it there"
        )
        return _refusal(context, removed_credit_note_id(key), Reason.REFUND_REMOVED, detail)
    if refund is not None and is_changed(refund, note):
        detail = (
            f"{what} was changed after its credit note {name} over {note.total} was recorded: correct it in Balance"
        )
        return _refusal(context, changed_credit_note_id(key), Reason.REFUND_AMOUNT_DIFFERS, detail)
    return None


def _refusal(context: RefundContext, id_: str, reason: Reason, detail: str) -> Refusal:
    return Refusal(_delivery(context, id_, {"order": context.order}), reason, detail)


def _push_answers(context: RefundContext, wanted: WantedNotes) -> tuple[CommandSettled, ...]:
    return tuple(answer for push in context.pushes for answer in _push_answer(context, push, wanted))


def _push_answer(context: RefundContext, push: Push, wanted: WantedNotes) -> tuple[CommandSettled, ...]:
    known, mode, note = _is_read(context, push), context.shop.flows.refunds, wanted.get(_key(context, push))
    if not known and mode != "off" and wait_until((push,), context.state.now):
        return ()
    problem = note.detail if isinstance(note, Unbookable) else _manual_answer(context, push) or context.never_sold
    waits = _waits_for(context, push, note) if known else ""
    return build_answers((push,), SERVICE, mode, known, context.state.now, problem=problem, waits=waits)


def _manual_answer(context: RefundContext, push: Push) -> str:
    if not context.is_manual or push.command.dry_run:
        return ""
    return f'shops.{push.command.shop}.refunds.policy is "manual": make the credit note by hand in Balance'


def _waits_for(context: RefundContext, push: Push, note: CreditNoteTask | Unbookable | None) -> str:
    if unreadable := context.unreadable.get(_key(context, push)):
        return unreadable.detail
    if not context.is_sold:
        return "" if context.never_sold else "its order has no Sale in Balance yet"
    if not isinstance(note, CreditNoteTask) or not context.is_live or push.command.dry_run:
        return ""
    blocked = approval_block(context, _key(context, push), note)
    return blocked.detail if blocked else ""


def _unread_pushes(context: RefundContext) -> list[Push]:
    """Pushes of refunds that store-feed may still be reading."""
    return [push for push in context.pushes if not _is_read(context, push)]


def _is_read(context: RefundContext, push: Push) -> bool:
    known = context.refunds.keys() | context.unreadable.keys()
    return _key(context, push) in known if push.command.refund_id else bool(known)


def _key(context: RefundContext, push: Push) -> str:
    return f"{context.order}:{push.command.refund_id}"
