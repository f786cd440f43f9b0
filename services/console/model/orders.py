"""Derives the rows of an order and its refunds from the facts, whenever one of them or the settings change.

The state of an order depends on the settings and, during a hold, on the time. So it is derived by a decision: the
engine decides again when the settings have changed and when the hold ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from contracts.order_statuses import is_void
from contracts.shop import Address, OrderChanged
from services.console.model import facts
from services.console.model.approvals import derive_approvals
from services.console.model.dead_letters import DEAD_LETTERS, DeadLetterRow
from services.console.model.history import OrderHistory
from services.console.model.message import message as _
from services.console.model.order_days import derive_days
from services.console.model.order_states import ItemState, judge_order, judge_refund, judge_unknown_order
from services.console.model.rows import ORDERS, REFUNDS, Buyer, OrderRow, RefundRow
from services.engine.outbox.decision import NOTHING, Decision
from services.engine.state.records import Kind, RecordT, State
from services.settings.shop import ShopSettings

NOT_CONFIGURED = ItemState(state="watching", why=_("its shop is not in the settings"))


def decide_order(shops: Mapping[str, ShopSettings], key: str, state: State) -> Decision:
    """Derive the rows of an order, which its subject (`shop:id`) names. Nothing is sent or announced."""
    failed = state.find(DEAD_LETTERS, key)
    history = read_history(key, failed, state)
    shop, _sep, number = key.partition(":")
    rules = shops.get(shop)
    touched = bool(failed or history.approval_requests or history.pushed)
    waiting = derive_approvals(key, history, rules.orders.approve_first if rules else 0, state)
    history.approval_requests = {asked.document: asked for asked in waiting}
    if rules:
        derive_days(key, shop, history, rules, state)
    found = _judge(history, rules, state)
    if found is None:
        return NOTHING
    state.put(ORDERS, key, make_order_row(shop, int(number), history, found, touched=touched), ref=_person_ref(history))
    for refund_id in sorted(history.refunds.keys() | history.unread_refunds.keys()):
        refund_state = judge_refund(key, found.state, history, refund_id, rules) if rules else NOT_CONFIGURED
        row = _make_refund_row(shop, int(number), refund_id, history, refund_state)
        state.put(REFUNDS, f"{key}:{refund_id}", row, ref=key)
    for gone in state.find(REFUNDS, key).keys() - {f"{key}:{id_}" for id_ in _refund_ids(history)}:
        state.drop(REFUNDS, gone)
    return Decision(again_at=found.until) if found.until else NOTHING


def _refund_ids(history: OrderHistory) -> set[int]:
    return {*history.refunds, *history.unread_refunds}


def _judge(history: OrderHistory, rules: ShopSettings | None, state: State) -> ItemState | None:
    if history.order is None:
        return judge_unknown_order(history)
    return judge_order(history.order, history, rules, state.now) if rules else NOT_CONFIGURED


def _person_ref(history: OrderHistory) -> str:
    return history.order.person_ref if history.order else ""


def read_history(key: str, failed: Mapping[str, DeadLetterRow], state: State) -> OrderHistory:
    """The facts of an order, and its dead letters."""
    by_time = sorted(failed.values(), key=lambda row: row.failed.at)
    payments = state.find(facts.PAYMENT, key)
    refused = state.get_many(facts.REFUSED, payments)
    return OrderHistory(
        order=state.get(facts.ORDER, key),
        removed=state.get(facts.REMOVED, key) is not None,
        refunds={one.refund_id: one for one in _of(facts.REFUND, key, state)},
        sales={one.sale: one for one in sorted(_of(facts.SALE, key, state), key=lambda sale: sale.recorded_at)},
        diverged=state.get(facts.DIVERGED, key),
        notes={one.refund_id: one for one in _of(facts.CREDIT_NOTE, key, state)},
        approval_requests=state.find(facts.APPROVAL_ASKED, key),
        dead_letters={row.failed.about: row.failed for row in by_time},
        settled={row.failed.dead_letter: row.settled for row in by_time if row.settled},
        receipts={one.payment: one for one in _of(facts.RECEIPT, key, state)},
        entered_payments=[one for id_, one in payments.items() if id_ not in refused],
        pushed=state.get(facts.PUSHED, key) is not None,
        sales_order=state.get(facts.SALES_ORDER, key),
        unread=state.get(facts.UNREAD, key),
        unread_refunds={one.refund_id: one for one in _of(facts.UNREAD_REFUND, key, state)},
        nothing_to_credit={one.refund_id: one for one in _of(facts.NOTHING_TO_CREDIT, key, state)},
    )


def _of(kind: Kind[RecordT], key: str, state: State) -> Iterator[RecordT]:
    return iter(state.find(kind, key).values())


def make_order_row(
    shop: str, order_id: int, history: OrderHistory, found: ItemState, *, touched: bool = False
) -> OrderRow:
    """The row of an order; of one that was never read, with what is known."""
    still_open = sum(one.dead_letter not in history.settled for one in history.dead_letters.values())
    booked, credited = sum_books(history)
    row = OrderRow(
        shop=shop,
        order_id=order_id,
        number=(history.unread.number if history.unread else "") or str(order_id),
        status=history.unread.status if history.unread else "",
        created_at=history.unread.created_at if history.unread else None,
        item_state=found,
        booked=booked,
        credited=credited,
        open_dead_letters=still_open,
        touched=touched,
        words=_words(history),
    )
    return row if history.order is None else row.model_copy(update=_order_fields(history.order, history))


def _order_fields(order: OrderChanged, history: OrderHistory) -> dict[str, object]:
    return {
        "number": order.number,
        "status": order.status,
        "currency": order.currency,
        "total": order.total,
        "shop_total": sum_shop(order, history),
        "payment_method": order.payment_method,
        "customer_id": order.customer_id,
        "created_at": order.created_at,
        "paid_at": order.paid_at,
        "person_ref": order.person_ref,
        "person": _buyer(order),
    }


def _buyer(order: OrderChanged) -> Buyer | None:
    if (person := order.person) is None:
        return None
    return Buyer(name=_name(person.billing) or _name(person.shipping), phone=person.phone, email=person.email)


def _name(address: Address) -> str:
    whole = f"{address.first_name} {address.last_name}".strip()
    return ", ".join(part for part in (address.company, whole) if part)


def sum_shop(order: OrderChanged, history: OrderHistory) -> Decimal:
    """The total in the shop less refunds; zero for cancelled or removed orders."""
    if history.removed or is_void(order):
        return Decimal(0)
    return order.total - sum((refund.amount for refund in history.refunds.values()), Decimal(0))


def sum_books(history: OrderHistory) -> tuple[Decimal | None, Decimal]:
    """What the Sales come to (None without one), and what the credit notes take back."""
    sales = sum((sale.total for sale in history.sales.values()), Decimal(0)) if history.sales else None
    return sales, sum((note.total for note in history.notes.values()), Decimal(0))


def _words(history: OrderHistory) -> str:
    """What finds the order: SKUs, coupons, numbers of documents, references of payments."""
    order = history.order
    found: list[str] = []
    if order is not None:
        found += [line.sku for line in order.lines]
        found += [*order.coupon_codes, order.transaction_id, *order.payment_references]
    found += [sale.number or "" for sale in history.sales.values()]
    found += [note.number or "" for note in history.notes.values()]
    found += [receipt.number or "" for receipt in history.receipts.values()]
    return " ".join(dict.fromkeys(word.casefold() for word in found if word))


def _make_refund_row(shop: str, order_id: int, refund_id: int, history: OrderHistory, found: ItemState) -> RefundRow:
    refund = history.refunds.get(refund_id)
    return RefundRow(
        shop=shop,
        order_id=order_id,
        refund_id=refund_id,
        amount=refund.amount if refund else None,
        currency=refund.currency if refund else "",
        created_at=refund.created_at if refund else None,
        item_state=found,
    )
