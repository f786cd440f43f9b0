"""The state of each order and refund, and what it waits for; nothing waits without a named reason (claim S4.27)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, get_args

from contracts.delivery_ids import client_id, credit_note_id, refund_key, sale_id
from contracts.model import Instant, Part
from contracts.operations import DeadLettered
from contracts.order_statuses import is_paid, is_void
from contracts.shop import OrderChanged
from services.accounting.documents.hold import find_hold
from services.accounting.documents.trigger import DEFAULT, is_triggered, role_of
from services.console.model.history import OrderHistory
from services.console.model.message import StoredMessage
from services.console.model.message import message as _
from services.engine.clock import local_time
from services.settings.orders import OrderSettings
from services.settings.shop import ShopSettings

StateName = Literal[
    "in the books", "needs a person", "not readable", "to be approved", "reserved", "held", "due", "waits for its Sale",
    "watching", "booked by hand", "part of another order", "nothing to credit", "given up", "removed",
]  # fmt: skip
STATES: tuple[StateName, ...] = get_args(StateName)
NAMES = (
    *(_("in the books"), _("needs a person"), _("not readable"), _("to be approved"), _("reserved"), _("held")),
    *(_("due"), _("waits for its Sale"), _("watching"), _("booked by hand"), _("part of another order")),
    *(_("nothing to credit"), _("given up"), _("removed")),
)
"""Collected for translation."""
FINAL_STATES = frozenset({"in the books", "part of another order", "nothing to credit", "given up", "removed"})
"""Nothing follows after these states."""
IDLE_STATES = FINAL_STATES | {"watching", "booked by hand"}
"""No document of Davtari is awaited in these states."""
Waits = Mapping[str, str]
"""What each delivery waits for, by its id."""
NO_WAITS: Waits = {}
OF_THE_SALE = ("sale:", "client:", "sales-order:", "decide:", "record ")
"""Deliveries whose dead letters prevent the Sale of an order."""


class ItemState(Part):
    """The state of an order or refund, with the reason. `dead_letter`: the one that prevents its document.

    `until`: when its hold ends by itself.
    """

    state: StateName
    why: StoredMessage = StoredMessage()
    reason: str = ""
    dead_letter: str = ""
    until: Instant | None = None
    held_by: str = ""


def judge_order(
    order: OrderChanged, history: OrderHistory, rules: ShopSettings, now: datetime, waits: Waits = NO_WAITS
) -> ItemState:
    """The state of an order: first its document, then what prevents it, then its trigger."""
    if (sale := history.sale) is not None:
        return ItemState(state="in the books", why=_("Sale {number}", number=sale.number or sale.sale))
    if history.removed:
        return ItemState(state="removed", why=_("it no longer exists in the shop"))
    if (failed := find_open_dead_letter(history, OF_THE_SALE)) is not None:
        return needs_person(failed)
    if (unread := judge_unread(history)) is not None:
        return unread
    if is_void(order):
        return ItemState(state="given up", why=_("{status}: no document is made", status=order.status))
    if (discarded := _discarded(history, ("sale:",))) is not None:
        return discarded
    return _judge_by_parent(order, rules) or _judge_pending(order, history, rules, now, waits)


def judge_unknown_order(history: OrderHistory) -> ItemState | None:
    """The state of an order that could never be read; None if nothing is known about it."""
    if (unread := judge_unread(history)) is not None:
        return unread
    failed = find_open_dead_letter(history, OF_THE_SALE)
    return needs_person(failed).model_copy(update={"state": "not readable"}) if failed else None


def find_open_dead_letter(history: OrderHistory, about: tuple[str, ...]) -> DeadLettered | None:
    """The first open dead letter of an exporter about these deliveries."""
    still_open = (one for one in history.dead_letters.values() if one.dead_letter not in history.settled)
    return next((one for one in still_open if _is_about(one, about)), None)


def _is_about(event: DeadLettered, deliveries: tuple[str, ...]) -> bool:
    return event.service.endswith("exporter") and event.about.startswith(deliveries)


def needs_person(event: DeadLettered) -> ItemState:
    """The state of what a dead letter prevents."""
    return ItemState(
        state="needs a person",
        why=StoredMessage(text="{detail}", values={"detail": event.detail}),
        reason=event.reason,
        dead_letter=event.dead_letter,
    )


def judge_unread(history: OrderHistory, refund_id: int = 0) -> ItemState | None:
    """Why store-feed could not read an order or one of its refunds; None if it could."""
    unread = history.unread_refunds.get(refund_id) if refund_id else history.unread
    if unread is not None:
        detail = StoredMessage(text="{detail}", values={"detail": unread.detail})
        why = _("refund {refund}: {detail}", refund=refund_id, detail=detail) if refund_id else detail
        return ItemState(state="not readable", why=why, reason=unread.reason)
    failed = (one for one in history.dead_letters.values() if one.service == "store-feed")
    found = next((one for one in failed if one.dead_letter not in history.settled), None)
    return needs_person(found).model_copy(update={"state": "not readable"}) if found else None


def _discarded(history: OrderHistory, about: tuple[str, ...]) -> ItemState | None:
    """Who discarded the newest dead letter of these deliveries, and why; None if it was not discarded."""
    own = [one for one in history.dead_letters.values() if _is_about(one, about)]
    settled = history.settled.get(own[-1].dead_letter) if own else None
    if settled is None or settled.how != "discarded":
        return None
    why = _("discarded by {by}: {why}", by=settled.by, why=settled.why)
    return ItemState(state="given up", why=why, dead_letter=settled.dead_letter)


def _judge_by_parent(order: OrderChanged, rules: ShopSettings) -> ItemState | None:
    role = role_of(order, rules.orders)
    if role == "part-of-parent":
        why = _("it is in the Sale of order {parent}", parent=order.parent_id)
        return ItemState(state="part of another order", why=why)
    if role == "undecided" and is_triggered(order, rules.orders):
        why = _(
            'child of {parent}: set in orders.sub-orders how to treat orders of "{made}"',
            parent=order.parent_id,
            made=order.created_via or "default",
        )
        return ItemState(state="needs a person", why=why)
    return None


def _judge_pending(
    order: OrderChanged, history: OrderHistory, rules: ShopSettings, now: datetime, waits: Waits
) -> ItemState:
    hold = None if history.pushed or rules.flows.orders == "off" else find_hold(order, rules.orders, now)
    if hold is not None:
        until = _("until {time} ({by})", time=local_time(hold.until), by=hold.by) if hold.until else None
        why = until or _("until a person exports it ({by})", by=hold.by)
        return ItemState(state="held", why=why, until=hold.until, held_by=hold.by)
    if (reserved := history.sales_order) is not None:
        why = _("sales order {number}", number=reserved.number or reserved.sales_order)
        return ItemState(state="reserved", why=why)
    if is_triggered(order, rules.orders):
        return _judge_triggered(order, history, rules, waits)
    return ItemState(state="watching", why=describe_trigger(order, rules.orders))


def _judge_triggered(order: OrderChanged, history: OrderHistory, rules: ShopSettings, waits: Waits) -> ItemState:
    if history.approval_requests.get(sale_id(order.key)) is not None:
        return ItemState(state="to be approved", why=_("it waits for the accountant"))
    if why := waits.get(sale_id(order.key)) or waits.get(client_id(order.key)):
        return ItemState(state="due", why=StoredMessage(text="{why}", values={"why": why}))
    reasons = {
        "live": _("its Sale is being exported"),
        "dry-run": _("dry run: planned, not written"),
        "off": _("the flow is off"),
    }
    return ItemState(state="due", why=reasons[rules.flows.orders])


def describe_trigger(order: OrderChanged, rules: OrderSettings) -> StoredMessage:
    """What would cause the Sale of an order that is not due yet."""
    own = rules.trigger.get(order.payment_method)
    statuses = " or ".join(own if own is not None else rules.trigger.get(DEFAULT, ())) or "no status"
    if own is None and order.status in rules.trigger.get(DEFAULT, ()) and not is_paid(order):
        return _("{status}, not paid yet", status=order.status)
    return _("{status}; exported at {statuses}", status=order.status, statuses=statuses)


NO_SALE_EVER: Mapping[str, StoredMessage] = {
    "given up": _("the order was cancelled and has no Sale"),
    "removed": _("the order was removed and has no Sale"),
    "part of another order": _("the order is in the Sale of its parent"),
}
"""States of orders that get no Sale, with the reason."""


def judge_refund(
    key: str, order: StateName, history: OrderHistory, refund_id: int, rules: ShopSettings, waits: Waits = NO_WAITS
) -> ItemState:
    """The state of a refund of the order `key`; `order` is the state of that order."""
    name = credit_note_id(refund_key(key, refund_id))
    if (note := history.notes.get(refund_id)) is not None:
        return ItemState(state="in the books", why=_("credit note {number}", number=note.number or note.credit_note))
    if (failed := find_open_dead_letter(history, (name,))) is not None:
        return needs_person(failed)
    if refund_id in history.unread_refunds and (unread := judge_unread(history, refund_id)) is not None:
        return unread
    if (nothing := history.nothing_to_credit.get(refund_id)) is not None and history.sale is None:
        return ItemState(state="nothing to credit", why=StoredMessage(text="{why}", values={"why": nothing.why}))
    if (discarded := _discarded(history, (name,))) is not None:
        return discarded
    return _without_sale(order) if order != "in the books" else _judge_pending_refund(name, history, rules, waits)


def _judge_pending_refund(name: str, history: OrderHistory, rules: ShopSettings, waits: Waits) -> ItemState:
    if name in history.approval_requests:
        return ItemState(state="to be approved", why=_("it waits for the accountant"))
    if rules.refunds.policy == "manual":
        why = _('refunds.policy is "manual": enter its credit note in Balance')
        return ItemState(state="booked by hand", why=why)
    if why_waiting := waits.get(name):
        return ItemState(state="due", why=StoredMessage(text="{why}", values={"why": why_waiting}))
    reasons = {
        "live": _("its credit note is being exported"),
        "dry-run": _("dry run: planned"),
        "off": _("the flow is off"),
    }
    return ItemState(state="due", why=reasons[rules.flows.refunds])


def _without_sale(order: StateName) -> ItemState:
    if why := NO_SALE_EVER.get(order):
        return ItemState(state="nothing to credit", why=why)
    why = _("its order has no Sale yet ({state})", state=StoredMessage(text=order))
    return ItemState(state="waits for its Sale", why=why)
