"""What order-notifier does about an order: notes on its documents, and the status that follows from them.

Each is written once for ever: our own events tell what was written, and a note's marker is looked for in the shop. A
status of ours comes back as an `OrderChanged`; since each state of the books gives an order one status at most, nothing
follows from that.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from contracts.delivery_ids import order_key, status_id
from contracts.notices import OrderNotePlanned
from contracts.reasons import Reason
from services.engine.outbox.decision import NOTHING, Decision, Delivery, Refusal
from services.engine.outbox.handlers import Handlers
from services.engine.state.records import State
from services.order_notifier.case import Case, case_of
from services.order_notifier.projection import NOTE, NOTE_PLAN, REMEMBER, STATUS, STATUS_PLAN
from services.order_notifier.status import is_unknown
from services.order_notifier.tasks import NoteTask, StatusTask
from services.settings.model import Settings

SERVICE = "order-notifier"
TOPICS = ("shop.orders", "ledger.documents", "shop.notices", "operations", "dead-letters")


def note_lane(shop: str) -> str:
    """The lane of a shop's notes."""
    return f"woocommerce.notes.{shop}"


def status_lane(shop: str) -> str:
    """The lane of a shop's statuses: one that waits for its order to be read again holds up no note."""
    return f"woocommerce.statuses.{shop}"


def handlers(settings: Settings) -> Handlers:
    """The rules of order-notifier under these settings. Subjects are `shop:order`."""
    return Handlers(TOPICS, remember=REMEMBER, decide=partial(decide, settings))


def decide(settings: Settings, subject: str, state: State) -> Decision:
    """All that is wanted for an order now."""
    shop = settings.shops.get(subject.partition(":")[0])
    case = case_of(subject, shop, state) if shop else None
    if case is None:
        return NOTHING
    notes, status = _notes(case, state), _status(case, state)
    return Decision(
        deliveries=(*notes.deliveries, *status.deliveries),
        announce=(*notes.announce, *status.announce),
        refuse=status.refuse,
    )


def _notes(case: Case, state: State) -> Decision:
    mode = case.shop.notes.mode
    if mode == "off":
        return NOTHING
    tasks = {_subject(task, "note"): task for task in case.notes()}
    written = state.get_many(NOTE, tasks)
    wanted = [task for subject, task in tasks.items() if subject not in written]
    if mode == "live":
        return Decision(deliveries=tuple(_note_delivery(task) for task in wanted))
    return Decision(announce=_note_plans(wanted, state))


def _note_plans(tasks: Sequence[NoteTask], state: State) -> tuple[OrderNotePlanned, ...]:
    """The plans of notes that were not announced already."""
    plans = state.get_many(NOTE_PLAN, (_subject(task, "note-plan") for task in tasks))
    new = (task for task in tasks if not _is_same(task, plans.get(_subject(task, "note-plan"))))
    return tuple(task.planned(state.now) for task in new)


def _is_same(task: NoteTask, plan: OrderNotePlanned | None) -> bool:
    return plan is not None and (plan.says, plan.customer) == (task.says, task.customer)


def _subject(task: NoteTask, notice: str) -> str:
    return f"{task.shop}:{task.order_id}:{notice}:{task.marker}"


def _note_delivery(task: NoteTask) -> Delivery:
    key = order_key(task.shop, task.order_id)
    return Delivery(task.id, "note", note_lane(task.shop), key, task.model_dump(mode="json"))


def _status(case: Case, state: State) -> Decision:
    """One status for each state of the books, for ever: whoever moves the order afterwards has the last word."""
    booked, mode = case.booked, case.shop.statuses.mode
    key = order_key(case.known.shop, case.known.order_id)
    if mode == "off" or booked is None or state.get(STATUS, f"{key}:status:{booked}"):
        return NOTHING
    if is_unknown(case.known.status, case.shop.statuses, case.shop.orders):
        return Decision(refuse=(_stray(case, booked),))
    task = case.status()
    if task is None:
        return NOTHING
    return Decision(deliveries=(_status_delivery(task),)) if mode == "live" else _status_plan(task, state)


def _status_plan(task: StatusTask, state: State) -> Decision:
    known = state.get(STATUS_PLAN, f"{task.shop}:{task.order_id}:status-plan:{task.booked}")
    same = known is not None and (known.was, known.status) == (task.was, task.status)
    return NOTHING if same else Decision(announce=(task.planned(state.now),))


def _status_delivery(task: StatusTask) -> Delivery:
    key = order_key(task.shop, task.order_id)
    return Delivery(task.id, "status", status_lane(task.shop), key, task.model_dump(mode="json"))


def _stray(case: Case, booked: str) -> Refusal:
    known = case.known
    key = order_key(known.shop, known.order_id)
    delivery = Delivery(status_id(key, booked), "status", status_lane(known.shop), key, {"order": key})
    detail = (
        f"order {known.number} of shop {known.shop} is {booked} in the books and in the status {known.status!r} in the "
        f"shop, which nobody knows: nothing is written. Name it in shops.{known.shop}.statuses.{booked} to move it on, "
        f"or in shops.{known.shop}.orders.waiting-statuses to leave it there"
    )
    return Refusal(delivery, Reason.SHOP_STATUS_UNKNOWN, detail)
