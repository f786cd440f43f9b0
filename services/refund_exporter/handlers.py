"""What refund-exporter does about the refunds of an order: credit notes, their plans, or a word to the accountant."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial

from contracts.delivery_ids import changed_credit_note_id, credit_note_id, refund_key, removed_credit_note_id, sale_id
from contracts.ledger import CreditNotePlanned, CreditNoteRecorded
from contracts.operations import CommandSettled
from contracts.reasons import Reason
from contracts.returns import ReturnRequested
from contracts.shop import RefundIssued
from services.accounting.documents import approval
from services.accounting.documents.push import Push, answers, being_read
from services.accounting.documents.unbookable import Unbookable
from services.engine.outbox.decision import NOTHING, Decision, Delivery, Refusal
from services.engine.outbox.handlers import Handlers, composed
from services.engine.outbox.outcome import Blocked
from services.engine.state.records import State
from services.refund_exporter.announce import planned
from services.refund_exporter.case import Case, case_of, wanted_notes
from services.refund_exporter.content import is_changed
from services.refund_exporter.gate import gate, questions
from services.refund_exporter.naming import name_of
from services.refund_exporter.nothing import nothing_due
from services.refund_exporter.projection import NOTE_PLAN, REMEMBER, SERVICE
from services.refund_exporter.returns.answers import reading_until, return_answers, return_requested
from services.refund_exporter.tasks import CreditNoteTask
from services.settings import Settings

TOPICS = ("shop.orders", "shop.refunds", "ledger.documents", "operations")
LANE = "balance.documents"
Wanted = Mapping[str, CreditNoteTask | Unbookable]


def handlers(settings: Settings) -> Handlers:
    """The rules of refund-exporter under these settings. Subjects are `shop:order`."""
    rules = composed({**REMEMBER, ReturnRequested: return_requested}, approval.approval_rules("credit-note"))
    return Handlers(topics=TOPICS, remember=rules, decide=partial(decide, settings))


def decide(settings: Settings, subject: str, state: State) -> Decision:
    """All that is wanted for the refunds of an order now."""
    shop = settings.shops.get(subject.partition(":")[0])
    if shop is None:
        return NOTHING
    case = case_of(subject, shop, settings.balance, state)
    if shop.flows.refunds == "off":
        return Decision(announce=(*_answers(case, {}), *return_answers(case)))
    wanted, nothing = wanted_notes(case), nothing_due(case)
    return Decision(
        deliveries=_deliveries(case, wanted) if case.is_live else (),
        announce=(
            *questions(case, wanted),
            *(_plans(case, wanted) if case.wants_plans else ()),
            *nothing,
            *_answers(case, wanted),
            *return_answers(case),
        ),
        refuse=(*_failures(case, wanted), *_of_part(case), *_afterwards(case)),
        again_at=_again_at(case),
    )


def _again_at(case: Case) -> datetime | None:
    """When what was pushed will have been read."""
    ends = (being_read(_unknown(case), case.state.now), reading_until(case))
    return min((end for end in ends if end), default=None)


def _deliveries(case: Case, wanted: Wanted) -> tuple[Delivery, ...]:
    if not case.is_sold:
        expected = not (case.never_sold or case.part_of)
        return tuple(_waiting(case, key, refund) for key, refund in case.open_refunds().items() if expected)
    tasks = ((key, task) for key, task in wanted.items() if isinstance(task, CreditNoteTask))
    return tuple(
        _delivery(case, credit_note_id(key), task.model_dump(mode="json"), gate(case, key, task)) for key, task in tasks
    )


def _delivery(case: Case, id_: str, payload: dict[str, object], blocked: Blocked | None = None) -> Delivery:
    return Delivery(id_, "credit-note", LANE, case.order, payload, blocked)


def _waiting(case: Case, key: str, refund: RefundIssued) -> Delivery:
    """A credit note that cannot be made yet; never sent as it stands, since its release decides the order again."""
    blocked = Blocked(
        on=sale_id(case.order),
        reason=Reason.REFUND_SALE_MISSING,
        detail=f"{name_of(refund)}: its order has no Sale in Balance yet. If it never gets one, book it by hand",
    )
    return _delivery(case, credit_note_id(key), {"refund": key, "waits_for": blocked.on}, blocked)


def _plans(case: Case, wanted: Wanted) -> list[CreditNotePlanned]:
    tasks = ((key, task) for key, task in wanted.items() if isinstance(task, CreditNoteTask))
    return [planned(task, case.state.now) for key, task in tasks if not _is_announced(case, key, task)]


def _is_announced(case: Case, key: str, task: CreditNoteTask) -> bool:
    known = case.state.get(NOTE_PLAN, key)
    return known is not None and known.content_digest == task.content_digest and known.sent == task.document


def _failures(case: Case, wanted: Wanted) -> list[Refusal]:
    """Refunds that give no credit note; without a recorded Sale in a live flow they only wait for it.

    What is booked by hand needs no word: day-close lists it.
    """
    if case.by_hand or (case.is_live and not case.is_sold):
        return []
    errors = ((key, error) for key, error in wanted.items() if isinstance(error, Unbookable))
    return [_refusal(case, credit_note_id(key), error.reason, error.detail) for key, error in errors]


def _of_part(case: Case) -> list[Refusal]:
    """Refunds of an order whose Sale is its parent's: which of that Sale's lines they take back, a person says."""
    if case.part_of is None or case.is_sold:
        return []
    parent = case.part_of.parent_id
    told = f"its order is a part of order {parent}, whose Sale holds it: credit that Sale by hand in Balance"
    return [
        _refusal(case, credit_note_id(key), Reason.REFUND_OF_PART, f"{name_of(refund)}: {told}, then discard this")
        for key, refund in case.open_refunds().items()
    ]


def _afterwards(case: Case) -> list[Refusal]:
    """Recorded credit notes whose refund was removed or is another one now: only an accountant can put that right."""
    found = [refusal for key, note in case.notes.items() if (refusal := _no_longer_right(case, key, note))]
    return [*found, *_reversed_in_vain(case)]


def _reversed_in_vain(case: Case) -> list[Refusal]:
    """The Sale of a given-up order was credited, and the order is back; where the policy is so it gets a new Sale."""
    note = case.reversed_by
    if note is None or case.given_up or case.shop.orders.after_sale == "credit-and-new-sale":
        return []
    detail = (
        f"order {note.order_id} of shop {note.shop} was given up, its Sale was credited by "
        f"{note.number or note.credit_note} over {note.total}, and now the order is back: delete that credit note in "
        "Balance"
    )
    return [
        _refusal(case, removed_credit_note_id(refund_key(case.order, note.refund_id)), Reason.SALE_RESTORED, detail)
    ]


def _no_longer_right(case: Case, key: str, note: CreditNoteRecorded) -> Refusal | None:
    refund, name = case.refunds.get(key), note.number or note.credit_note
    what = f"refund {note.refund_id} of order {note.order_id} of shop {note.shop}"
    if key in case.removed:
        detail = (
            f"{what} was removed in the shop, its credit note {name} over {note.total} stands: delete it in Balance"
        )
        return _refusal(case, removed_credit_note_id(key), Reason.REFUND_REMOVED, detail)
    if refund is not None and is_changed(refund, note):
        detail = (
            f"{what} was changed after its credit note {name} over {note.total} was recorded: correct it in Balance"
        )
        return _refusal(case, changed_credit_note_id(key), Reason.REFUND_AMOUNT_DIFFERS, detail)
    return None


def _refusal(case: Case, id_: str, reason: Reason, detail: str) -> Refusal:
    return Refusal(_delivery(case, id_, {"order": case.order}), reason, detail)


def _left_to_people(case: Case, push: Push) -> str:
    by_hand = case.by_hand and not push.command.dry_run
    name = push.command.shop
    return f'shops.{name}.refunds.policy is "manual": make the credit note by hand in Balance' if by_hand else ""


def _waits_for(case: Case, push: Push, found: CreditNoteTask | Unbookable | None) -> str:
    if unreadable := case.unreadable.get(_key(case, push)):
        return unreadable.detail
    if not case.is_sold:
        return "" if case.never_sold else "its order has no Sale in Balance yet"
    held = gate(case, _key(case, push), found) if isinstance(found, CreditNoteTask) and case.is_live else None
    return held.detail if held and not push.command.dry_run else ""


def _unknown(case: Case) -> list[Push]:
    """Pushes of refunds that store-feed may still be reading."""
    return [push for push in case.pushes if not _is_known(case, push)]


def _is_known(case: Case, push: Push) -> bool:
    known = case.refunds.keys() | case.unreadable.keys()
    return _key(case, push) in known if push.command.refund_id else bool(known)


def _key(case: Case, push: Push) -> str:
    return f"{case.order}:{push.command.refund_id}"


def _answers(case: Case, wanted: Wanted) -> tuple[CommandSettled, ...]:
    return tuple(answer for push in case.pushes for answer in _answer(case, push, wanted))


def _answer(case: Case, push: Push, wanted: Wanted) -> tuple[CommandSettled, ...]:
    known, mode, found = _is_known(case, push), case.shop.flows.refunds, wanted.get(_key(case, push))
    if not known and mode != "off" and being_read((push,), case.state.now):
        return ()
    return answers(
        (push,),
        SERVICE,
        mode,
        known,
        case.state.now,
        problem=found.detail if isinstance(found, Unbookable) else _left_to_people(case, push) or case.never_sold,
        waits=_waits_for(case, push, found) if known else "",
    )
