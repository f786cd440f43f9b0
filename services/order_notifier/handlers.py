"""What order-notifier decides about an order: notes about its documents, and the status that follows from them.

Each note and status is written only once: the service's own events record what was written, and a note's marker is
searched for in the shop. A status that Davtari writes comes back as an `OrderChanged`; since each state of the books
changes the status once at most, that leads to nothing more.
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
from services.order_notifier.context import NoticeContext, load_context
from services.order_notifier.projection import NOTE, NOTE_PLAN, REMEMBER, STATUS, STATUS_PLAN
from services.order_notifier.tasks import NoteTask, StatusTask
from services.settings.model import Settings

SERVICE = "order-notifier"
TOPICS = ("shop.orders", "ledger.documents", "shop.notices", "operations", "dead-letters")


def note_lane(shop: str) -> str:
    """The lane of a shop's notes."""
    return f"woocommerce.notes.{shop}"


def status_lane(shop: str) -> str:
    """The lane of a shop's statuses; separate, so that a status that waits for its order does not delay notes."""
    return f"woocommerce.statuses.{shop}"


def handlers(settings: Settings) -> Handlers:
    """The rules of order-notifier under these settings. Subjects are `shop:order`."""
    return Handlers(TOPICS, remember=REMEMBER, decide=partial(decide, settings))


def decide(settings: Settings, subject: str, state: State) -> Decision:
    """Everything an order needs now."""
    shop = settings.shops.get(subject.partition(":")[0])
    context = load_context(subject, shop, state) if shop else None
    if context is None:
        return NOTHING
    return _decide_notes(context, state).with_(_decide_status(context, state))


def _decide_notes(context: NoticeContext, state: State) -> Decision:
    mode = context.shop.notes.mode
    if mode == "off":
        return NOTHING
    tasks = {_subject(task, "note"): task for task in context.notes()}
    written = state.get_many(NOTE, tasks)
    wanted = [task for subject, task in tasks.items() if subject not in written]
    if mode == "live":
        return Decision(deliveries=tuple(_note_delivery(task) for task in wanted))
    return Decision(announce=_plan_notes(wanted, state))


def _plan_notes(tasks: Sequence[NoteTask], state: State) -> tuple[OrderNotePlanned, ...]:
    """The plans of notes that were not announced already."""
    plans = state.get_many(NOTE_PLAN, (_subject(task, "note-plan") for task in tasks))
    new = (task for task in tasks if not _is_announced(task, plans.get(_subject(task, "note-plan"))))
    return tuple(task.planned(state.now) for task in new)


def _is_announced(task: NoteTask, plan: OrderNotePlanned | None) -> bool:
    return plan is not None and (plan.says, plan.customer) == (task.says, task.customer)


def _subject(task: NoteTask, notice: str) -> str:
    return f"{order_key(task.shop, task.order_id)}:{notice}:{task.marker}"


def _note_delivery(task: NoteTask) -> Delivery:
    key = order_key(task.shop, task.order_id)
    return Delivery(task.id, "note", note_lane(task.shop), key, task.model_dump(mode="json"))


def _decide_status(context: NoticeContext, state: State) -> Decision:
    """One status for each state of the books; changes that people make afterwards are never overwritten."""
    booked, mode = context.booked, context.shop.statuses.mode
    if mode == "off" or booked is None or state.get(STATUS, f"{context.known.key}:status:{booked}"):
        return NOTHING
    if context.has_unknown_status:
        return Decision(refuse=(_unknown_status(context, booked),))
    task = context.status()
    if task is None:
        return NOTHING
    return Decision(deliveries=(_status_delivery(task),)) if mode == "live" else _plan_status(task, state)


def _plan_status(task: StatusTask, state: State) -> Decision:
    known = state.get(STATUS_PLAN, f"{order_key(task.shop, task.order_id)}:status-plan:{task.booked}")
    same = known is not None and (known.was, known.status) == (task.was, task.status)
    return NOTHING if same else Decision(announce=(task.planned(state.now),))


def _status_delivery(task: StatusTask) -> Delivery:
    key = order_key(task.shop, task.order_id)
    return Delivery(task.id, "status", status_lane(task.shop), key, task.model_dump(mode="json"))


def _unknown_status(context: NoticeContext, booked: str) -> Refusal:
    known = context.known
    key = known.key
    delivery = Delivery(status_id(key, booked), "status", status_lane(known.shop), key, {"order": key})
    detail = (
        f"order {known.number} of shop {known.shop} is {booked} in the books, and its status in the shop, "
        f"{known.status!r}, is unknown: nothing is written. Add that status to shops.{known.shop}.statuses.{booked} to "
        f"change it, or to shops.{known.shop}.orders.waiting-statuses to leave it"
    )
    return Refusal(delivery, Reason.SHOP_STATUS_UNKNOWN, detail)
