"""What order-exporter decides about an order: nothing yet, a plan, a Sale with its client, or a reported divergence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial, reduce

from contracts.clients import ContactsConflicted
from contracts.delivery_ids import client_id, order_key, sale_id
from contracts.ledger import SalePlanned, SaleRecorded
from contracts.model import Event
from contracts.order_statuses import is_void
from contracts.placement import WarehouseChosen
from contracts.reasons import Reason
from services.accounting.documents import approval, trigger
from services.accounting.documents.approval import ApprovalCandidate
from services.accounting.documents.push import build_answers, pushes_of, wait_until, wants_plan
from services.accounting.documents.unbookable import Unbookable
from services.engine.outbox.decision import NOTHING, Decision, Delivery, Refusal
from services.engine.outbox.handlers import Handlers, News, Remember, compose_rules
from services.engine.outbox.outcome import Blocked
from services.engine.state.records import State
from services.order_exporter import contact_merges, readings, sales_orders, stock
from services.order_exporter import receipt_handlers as receipts
from services.order_exporter.announcements import divergence, sale_planned
from services.order_exporter.context import (
    SaleContext,
    approval_candidate,
    describe_part,
    undecided_role_error,
    unheld_part_error,
    wait_for_parent,
)
from services.order_exporter.items import item_rules, known_items
from services.order_exporter.payments import PAYMENT_RULES
from services.order_exporter.prepare import PreparedSale, prepare
from services.order_exporter.projection import (
    DIVERGED,
    ORDER,
    PLAN,
    REMEMBER,
    REVERSED,
    SALE,
    SERVICE,
    KnownOrder,
    client_name,
)
from services.order_exporter.tasks import ClientTask, SaleTask
from services.settings import Settings

TOPICS = (
    "shop.orders", "catalog.links", "catalog.plans", "balance.items", "balance.prices", "balance.stock",
    "ledger.documents", "operations",
)  # fmt: skip
SALE_LANE = "balance.documents"
CLIENT_LANE = "balance.clients"


def handlers(settings: Settings) -> Handlers:
    """The rules of order-exporter under these settings. Subjects are `shop:order`."""
    news: Mapping[type[Event], News] = {ContactsConflicted: contact_merges.conflict_news}
    return Handlers(TOPICS, remember=_remember(settings), decide=partial(decide, settings), news=news)


def _remember(settings: Settings) -> Mapping[type[Event], Remember]:
    discounts = any(shop.orders.sale_price_as == "discount" for shop in settings.shops.values())
    more = (
        approval.approval_rules("sale"),
        readings.objective_rules(settings.shops),
        readings.intervention_rules(),
        stock.STOCK_RULES,
        stock.POSTPONED_RULES,
        sales_orders.SALES_ORDER_RULES,
        item_rules(wants_prices=discounts),
        PAYMENT_RULES,
        contact_merges.contact_rules(settings),
    )
    return reduce(compose_rules, more, REMEMBER)


def decide(settings: Settings, subject: str, state: State) -> Decision:
    """Everything an order needs now: its Sale and the receipts of its payments."""
    return _decide_sale(settings, subject, state).with_(receipts.decide(settings, subject, state))


def _decide_sale(settings: Settings, subject: str, state: State) -> Decision:
    shop = settings.shops.get(subject.partition(":")[0])
    if shop is None:
        return NOTHING
    known, pushes = state.get(ORDER, subject), pushes_of(subject, state)
    mode = shop.flows.orders
    if known is None and mode != "off" and (end := wait_until(pushes, state.now)):
        return Decision(again_at=end)
    if known is None or mode == "off":
        return Decision(announce=build_answers(pushes, SERVICE, mode, known is not None, state.now))
    context = SaleContext(known, shop, settings.balance, pushes, state)
    return _add_contact_merges(context, _add_reservation_ends(context, _decide_known(context)))


def _add_contact_merges(context: SaleContext, decision: Decision) -> Decision:
    """Contacts are merged only once the order has a Sale: before that, nothing about a buyer is written."""
    known = context.known
    if not context.is_live or known.removed or context.state.get(SALE, known.order.key) is None:
        return decision
    merges = contact_merges.plan_merges(known.order, context.shop.orders.clients.contacts, context.state)
    return replace(decision, deliveries=(*decision.deliveries, *merges)) if merges else decision


def _add_reservation_ends(context: SaleContext, decision: Decision) -> Decision:
    """A reservation that is no longer needed ends before the order's other deliveries."""
    ends = sales_orders.plan_ends(context, decision.deliveries) if context.is_live else ()
    return replace(decision, deliveries=(*ends, *decision.deliveries)) if ends else decision


def _decide_known(context: SaleContext) -> Decision:
    order = context.known.order
    sale = context.state.get(SALE, order.key)
    if sale is not None and not _needs_new_sale(context, sale):
        return _answer(context, _report_divergence(context, sale))
    if context.known.removed or is_void(order):
        return _answer(context, NOTHING, problem=_describe_given_up(context.known))
    if context.role == "part-of-parent":
        return _answer(context, _decide_part(context), problem=describe_part(order))
    if context.is_wanted or wants_plan(context.pushes):
        return replace(_export(context), again_at=context.held_until)
    return _wait_for_trigger(context)


def _report_divergence(context: SaleContext, sale: SaleRecorded) -> Decision:
    last, items = context.state.get(DIVERGED, sale.key), known_items(context.known.order, context.state)
    event = divergence(context.known, sale, last, context.shop.orders.after_sale, context.state.now, items)
    return Decision(announce=(event,) if event else ())


def _needs_new_sale(context: SaleContext, sale: SaleRecorded) -> bool:
    """Whether another Sale replaces the one that a reversal has credited (claim K7)."""
    return (
        context.shop.orders.after_sale == "credit-and-new-sale" and context.state.get(REVERSED, sale.sale) is not None
    )


def _describe_given_up(known: KnownOrder) -> str:
    """An order given up before it had a Sale needs none (claim S0.38)."""
    return "it was removed from the shop" if known.removed else f"it is {known.order.status} in the shop"


def _wait_for_trigger(context: SaleContext) -> Decision:
    if trigger.has_unmapped_status(context.known.order, context.shop.orders):
        return _refuse(context, _unmapped_status(context))
    return Decision(again_at=context.held_until)


def _decide_part(context: SaleContext) -> Decision:
    """A part of another order needs no document; if its parent's Sale cannot contain it, a person decides."""
    if not context.is_due:
        return Decision(again_at=context.held_until)
    order, state = context.known.order, context.state
    if blocked := wait_for_parent(order, state):
        return Decision(deliveries=(_blocked_delivery(order.key, blocked),))
    error = unheld_part_error(order, state)
    return _refuse(context, error) if error else NOTHING


def _export(context: SaleContext) -> Decision:
    prices, live = context.shop.prices, context.is_live
    try:
        if context.role == "undecided":
            raise undecided_role_error(context.known.order)
        ready = prepare(context.known, context.shop.orders, context.balance, context.state, live=live, prices=prices)
    except Unbookable as error:
        return _answer(context, _refuse(context, error) if context.is_due else NOTHING, problem=error.detail)
    if isinstance(ready, Blocked):
        waiting = (_blocked_delivery(context.known.order.key, ready),) if context.is_wanted else ()
        return _answer(context, Decision(deliveries=waiting), waits=ready.detail)
    if context.document == "sales-order":
        return _answer(context, _reserve(context, ready))
    return _sell(context, ready)


def _sell(context: SaleContext, ready: PreparedSale) -> Decision:
    candidate = approval_candidate(ready.task, context.known.order, ready.buyer)
    gate = (
        approval.wait_for_approval(candidate, context.shop.orders.approve_first, context.state)
        if context.is_live
        else None
    )
    if gate and context.is_wanted:
        waits = "" if wants_plan(context.pushes) else gate.detail
        return _answer(context, _ask_approval(context, ready, candidate, gate), waits=waits)
    short = stock.wait_for_goods(context.known.order, context.pushes, context.state) if context.is_live else None
    return _answer(context, _deliver_sale(context, ready, short))


def _reserve(context: SaleContext, ready: PreparedSale) -> Decision:
    """The sales order of an order that only reserves goods so far; it is not in the books, so nobody approves it."""
    is_planned = wants_plan(context.pushes) or (context.is_wanted and not context.is_live)
    delivery = sales_orders.plan_reservation(context, ready.task) if context.is_wanted and context.is_live else None
    plans = sales_orders.plan_events(context, ready.task) if is_planned else ()
    return Decision(
        deliveries=_after_client(ready, delivery) if delivery else (),
        announce=(*(_chosen_warehouse(ready) if delivery else ()), *plans),
    )


def _ask_approval(context: SaleContext, ready: PreparedSale, candidate: ApprovalCandidate, gate: Blocked) -> Decision:
    """A Sale that the accountant has not approved yet; not even its client is created before."""
    plan = _plan(context, ready.task) if wants_plan(context.pushes) else ()
    question = approval.ask_for_approval(candidate, context.state, context.state.now)
    return Decision(deliveries=(replace(_sale_delivery(ready.task), blocked=gate),), announce=(*plan, *question))


def _deliver_sale(context: SaleContext, ready: PreparedSale, short: Blocked | None) -> Decision:
    wanted = context.is_wanted
    plan = _plan(context, ready.task) if wants_plan(context.pushes) or (wanted and not context.is_live) else ()
    if not (wanted and context.is_live):
        return Decision(announce=plan)
    sale = replace(_sale_delivery(ready.task), blocked=short)
    return Decision(deliveries=_after_client(ready, sale), announce=(*_chosen_warehouse(ready), *plan))


def _chosen_warehouse(ready: PreparedSale) -> tuple[WarehouseChosen, ...]:
    """A choice among several warehouses is announced before the document is written, and is kept from then on."""
    return (ready.choice,) if ready.choice else ()


def _plan(context: SaleContext, task: SaleTask) -> tuple[SalePlanned, ...]:
    known = context.state.get(PLAN, context.known.order.key)
    same = known is not None and known.content_digest == task.content_digest and known.sent == task.document
    return () if same else (sale_planned(task, context.state.now),)


def _after_client(ready: PreparedSale, document: Delivery) -> tuple[Delivery, ...]:
    if ready.lookup is None:
        return (document,)
    blocked = Blocked(
        on=client_name(ready.lookup.identity),
        reason=Reason.SALE_CLIENT_WAITS,
        detail=f"order {document.key}: its client is not known in Balance yet, see {client_id(document.key)}",
    )
    return _client_delivery(ready.lookup), replace(document, blocked=blocked)


def _sale_delivery(task: SaleTask) -> Delivery:
    key = order_key(task.shop, task.order_id)
    return Delivery(sale_id(key, task.revision), "sale", SALE_LANE, key, task.model_dump(mode="json"))


def _client_delivery(task: ClientTask) -> Delivery:
    """One per order; ordered by identity, so that a person's second order finds the client that the first created."""
    id_ = client_id(order_key(task.shop, task.order_id))
    return Delivery(id_, "client", CLIENT_LANE, task.identity, task.model_dump(mode="json"))


def _blocked_delivery(order: str, blocked: Blocked) -> Delivery:
    """A Sale that cannot be computed yet. It is never sent in this form: its release decides the order again."""
    return Delivery(sale_id(order), "sale", SALE_LANE, order, {"order": order, "waits_for": blocked.on}, blocked)


def _refuse(context: SaleContext, error: Unbookable) -> Decision:
    order = context.known.order.key
    delivery = Delivery(sale_id(order), "sale", SALE_LANE, order, {"order": order})
    return Decision(refuse=(Refusal(delivery, error.reason, error.detail),))


def _unmapped_status(context: SaleContext) -> Unbookable:
    order = context.known.order
    return Unbookable(
        Reason.SALE_STATUS_UNKNOWN,
        f"order {order.number} of shop {order.shop} is paid and has the status {order.status!r}, which no trigger "
        f"names: add it to shops.{order.shop}.orders.trigger, or to waiting-statuses if the trigger comes later",
    )


def _answer(context: SaleContext, decision: Decision, problem: str = "", waits: str = "") -> Decision:
    replies: tuple[Event, ...] = build_answers(
        context.pushes, SERVICE, context.shop.flows.orders, True, context.state.now, problem=problem, waits=waits
    )
    return replace(decision, announce=(*decision.announce, *replies))
