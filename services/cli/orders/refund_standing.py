"""How a refund without a credit note stands, and what it waits for."""

from __future__ import annotations

from contracts.delivery_ids import credit_note_id, refund_key
from services.cli.day_close.causes import unread_cause
from services.cli.day_close.facts import OrderHistory
from services.cli.orders.states import State, discarded, letter_of
from services.cli.orders.waiting import Waits
from services.settings.shop import ShopSettings

NO_SALE_EVER = {
    "given up": "the order was given up and has no Sale",
    "removed": "the order was removed and has no Sale",
    "part of another order": "the Sale of its parent holds the order",
}
"""Orders of which no Sale is made, by their state."""


def judged_refund(
    order: State, story: OrderHistory, refund_id: int, rules: ShopSettings, waits: Waits
) -> tuple[State, str]:
    """How a refund stands and why; `order` is the state of its order."""
    name = credit_note_id(refund_key(_key(story), refund_id))
    if (stops := letter_of(story, (name,))) is not None:
        return "needs a person", stops.text
    if refund_id in story.unread_refunds and (stops := unread_cause(story, refund_id)) is not None:
        return "not readable", stops.text
    if (said := story.nothing.get(refund_id)) is not None and story.sale is None:
        return "nothing to credit", said.why
    if why := discarded(story, (name,)):
        return "given up", why
    if order != "in the books":
        return _without_sale(order)
    if name in story.asked:
        return "to be approved", "davtari approvals list"
    if rules.refunds.policy == "manual":
        return "booked by hand", 'refunds.policy is "manual": make its credit note in Balance'
    told = {"live": "its credit note is on its way", "dry-run": "a dry run: planned", "off": "the flow is off"}
    return "due", waits.get(name) or told[rules.flows.refunds]


def _without_sale(order: State) -> tuple[State, str]:
    if why := NO_SALE_EVER.get(order):
        return "nothing to credit", why
    return "waits for its Sale", f"its order has no Sale yet: {order}"


def _key(story: OrderHistory) -> str:
    return story.order.key if story.order else ""
