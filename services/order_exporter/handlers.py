"""What order-exporter does about an order: nothing yet, a plan, a Sale with its client, or a report of divergence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial, reduce

from contracts.balance import PriceChanged
from contracts.clients import ContactsConflicted
from contracts.delivery_ids import client_id, order_key, sale_id
from contracts.ledger import SalePlanned, SaleRecorded
from contracts.model import Event
from contracts.order_statuses import is_void
from contracts.placement import WarehouseChosen
from contracts.reasons import Reason
from services.accounting.documents import approval, trigger
from services.accounting.documents.approval import Candidate
from services.accounting.documents.push import answers, being_read, pushes_of, wants_plan
from services.accounting.documents.unbookable import Unbookable
from services.engine.outbox.decision import NOTHING, Decision, Delivery, Refusal
from services.engine.outbox.handlers import Handlers, News, Remember, composed
from services.engine.outbox.outcome import Blocked
from services.engine.state.records import State
from services.order_exporter import sub_orders
from services.order_exporter.announce import divergence, planned
from services.order_exporter.case import Case
from services.order_exporter.contacts import contacts
from services.order_exporter.items import known_items
from services.order_exporter.prepare import Ready, prepare
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
from services.order_exporter.readings import hands, on_time
from services.order_exporter.receipts import handlers as receipts
from services.order_exporter.receipts.projection import REMEMBER as PAYMENTS
from services.order_exporter.sales.regular_price import price_changed
from services.order_exporter.sales_orders import reserving
from services.order_exporter.shape import candidate
from services.order_exporter.tasks import ClientTask, SaleTask
from services.order_exporter.warehouses import postponed, stock
from services.order_exporter.warehouses.postponed import waits_for_receipt
from services.settings import Settings

TOPICS = (
    "shop.orders", "catalog.links", "catalog.plans", "balance.items", "balance.prices", "balance.stock",
    "ledger.documents", "operations",
)  # fmt: skip
SALE_LANE = "balance.documents"
CLIENT_LANE = "balance.clients"


def handlers(settings: Settings) -> Handlers:
    """The rules of order-exporter under these settings. Subjects are `shop:order`."""
    news: Mapping[type[Event], News] = {ContactsConflicted: contacts.conflict_news}
    return Handlers(TOPICS, remember=_remember(settings), decide=partial(decide, settings), news=news)


def _remember(settings: Settings) -> Mapping[type[Event], Remember]:
    discounts = any(shop.orders.sale_price_as == "discount" for shop in settings.shops.values())
    prices: Mapping[type[Event], Remember] = {PriceChanged: partial(price_changed, discounts)}
    more = (approval.approval_rules("sale"), on_time.rules(settings.shops), hands.rules(), stock.RULES, postponed.RULES)
    return reduce(composed, (*more, reserving.RULES, prices, PAYMENTS, contacts.rules(settings)), REMEMBER)


def decide(settings: Settings, subject: str, state: State) -> Decision:
    """All that is wanted for an order now: its Sale, and the receipts of its payments."""
    paid = receipts.decide(settings, subject, state)  # first: a rule runs again for each record that is not loaded yet
    return _decide_sale(settings, subject, state).with_(paid)


def _decide_sale(settings: Settings, subject: str, state: State) -> Decision:
    shop = settings.shops.get(subject.partition(":")[0])
    if shop is None:
        return NOTHING
    known, pushes = state.get(ORDER, subject), pushes_of(subject, state)
    mode = shop.flows.orders
    if known is None and mode != "off" and (end := being_read(pushes, state.now)):
        return Decision(again_at=end)
    if known is None or mode == "off":
        return Decision(announce=answers(pushes, SERVICE, mode, known is not None, state.now))
    case = Case(known, shop, settings.balance, pushes, state)
    return _with_contacts(case, _with_endings(case, _decide(case)))


def _with_contacts(case: Case, decision: Decision) -> Decision:
    """Contacts follow an order that is booked: nothing of a buyer is written before the accountant lets a Sale go."""
    known = case.known
    if not case.live or known.removed or case.state.get(SALE, known.order.key) is None:
        return decision
    merges = contacts.wanted(known.order, case.shop.orders.clients.contacts, case.state)
    return replace(decision, deliveries=(*decision.deliveries, *merges)) if merges else decision


def _with_endings(case: Case, decision: Decision) -> Decision:
    """A reservation whose time is over ends first."""
    over = reserving.endings(case, decision.deliveries) if case.live else ()
    return replace(decision, deliveries=(*over, *decision.deliveries)) if over else decision


def _decide(case: Case) -> Decision:
    sale = case.state.get(SALE, case.known.order.key)
    if sale is not None and not _is_made_anew(case, sale):
        last, items = case.state.get(DIVERGED, sale.key), known_items(case.known.order, case.state)
        said = divergence(case.known, sale, last, case.shop.orders.after_sale, case.state.now, items)
        return _answered(case, Decision(announce=(said,) if said else ()))
    if case.known.removed or is_void(case.known.order):
        return _answered(case, NOTHING, problem=_given_up(case.known))
    if case.role == "part-of-parent":
        return _answered(case, _part(case), problem=sub_orders.told(case.known.order))
    if case.is_wanted or wants_plan(case.pushes):
        return replace(_export(case), again_at=case.held_until)
    return _later(case)


def _is_made_anew(case: Case, sale: SaleRecorded) -> bool:
    """Whether another Sale follows the one that a credit note has taken back (claim K7)."""
    return case.shop.orders.after_sale == "credit-and-new-sale" and case.state.get(REVERSED, sale.sale) is not None


def _given_up(known: KnownOrder) -> str:
    """An order given up before its Sale was made needs none (claim S0.38)."""
    return "the shop holds it no more" if known.removed else f"it is {known.order.status} in the shop"


def _later(case: Case) -> Decision:
    if trigger.is_stray(case.known.order, case.shop.orders):
        return _refused(case, _stray(case))
    return Decision(again_at=case.held_until)


def _part(case: Case) -> Decision:
    """A part of another order makes no document; one that its parent's Sale cannot hold needs a person."""
    if not case.is_due:
        return Decision(again_at=case.held_until)
    order, state = case.known.order, case.state
    if waits := sub_orders.missing_parent(order, state):
        return Decision(deliveries=(_waiting(order.key, waits),))
    error = sub_orders.not_held(order, state)
    return _refused(case, error) if error else NOTHING


def _export(case: Case) -> Decision:
    try:
        if case.role == "undecided":
            raise sub_orders.undecided(case.known.order)
        found = prepare(case.known, case.shop.orders, case.balance, case.state, live=case.live, prices=case.shop.prices)
    except Unbookable as error:
        return _answered(case, _refused(case, error) if case.is_due else NOTHING, problem=error.detail)
    if isinstance(found, Blocked):
        waiting = (_waiting(case.known.order.key, found),) if case.is_wanted else ()
        return _answered(case, Decision(deliveries=waiting), waits=found.detail)
    if case.document == "sales-order":
        return _answered(case, _reserved(case, found))
    return _sold(case, found)


def _sold(case: Case, ready: Ready) -> Decision:
    one = candidate(ready.task, case.known.order, ready.buyer)
    gate = approval.held(one, case.shop.orders.approve_first, case.state) if case.live else None
    if gate and case.is_wanted:
        return _answered(case, _gated(case, ready, one, gate), waits="" if wants_plan(case.pushes) else gate.detail)
    short = waits_for_receipt(case.known.order, case.pushes, case.state) if case.live else None
    return _answered(case, _ready(case, ready, short))


def _reserved(case: Case, ready: Ready) -> Decision:
    """The sales order of an order that only reserves yet; it is in no books, so that nobody approves it."""
    plan = wants_plan(case.pushes) or (case.is_wanted and not case.live)
    wanted = reserving.reservation(case, ready.task) if case.is_wanted and case.live else None
    return Decision(
        deliveries=_after_client(ready, wanted) if wanted else (),
        announce=(*_choice(ready, wanted is not None), *(reserving.planned(case, ready.task) if plan else ())),
    )


def _gated(case: Case, ready: Ready, one: Candidate, gate: Blocked) -> Decision:
    """A Sale that the accountant has not approved yet; not even its client is created before."""
    plan = _plan(case, ready.task) if wants_plan(case.pushes) else ()
    question = approval.asked(one, case.state, case.state.now)
    return Decision(deliveries=(replace(_sale_delivery(ready.task), blocked=gate),), announce=(*plan, *question))


def _ready(case: Case, ready: Ready, short: Blocked | None) -> Decision:
    wanted = case.is_wanted
    plan = _plan(case, ready.task) if wants_plan(case.pushes) or (wanted and not case.live) else ()
    if not (wanted and case.live):
        return Decision(announce=plan)
    sale = replace(_sale_delivery(ready.task), blocked=short)
    return Decision(deliveries=_after_client(ready, sale), announce=(*_choice(ready, True), *plan))


def _choice(ready: Ready, goes: bool) -> tuple[WarehouseChosen, ...]:
    """A warehouse that was chosen among several is said before the document goes, and holds from then on."""
    return (ready.choice,) if ready.choice and goes else ()


def _plan(case: Case, task: SaleTask) -> tuple[SalePlanned, ...]:
    known = case.state.get(PLAN, case.known.order.key)
    same = known is not None and known.content_digest == task.content_digest and known.sent == task.document
    return () if same else (planned(task, case.state.now),)


def _after_client(ready: Ready, document: Delivery) -> tuple[Delivery, ...]:
    if ready.lookup is None:
        return (document,)
    blocked = Blocked(
        on=client_name(ready.lookup.identity),
        reason=Reason.SALE_CLIENT_WAITS,
        detail=f"order {document.key}: its client is not known in Balance yet; see the delivery client:{document.key}",
    )
    return _client_delivery(ready.lookup), replace(document, blocked=blocked)


def _sale_delivery(task: SaleTask) -> Delivery:
    key = order_key(task.shop, task.order_id)
    id_ = sale_id(key, task.revision)
    return Delivery(id_, "sale", SALE_LANE, key, task.model_dump(mode="json"))


def _client_delivery(task: ClientTask) -> Delivery:
    """One per order, and by identity in order: the second order of a person finds what the first has created."""
    id_ = client_id(order_key(task.shop, task.order_id))
    return Delivery(id_, "client", CLIENT_LANE, task.identity, task.model_dump(mode="json"))


def _waiting(order: str, blocked: Blocked) -> Delivery:
    """A Sale that cannot be made yet; never sent as it stands, since its release decides the order again."""
    return Delivery(sale_id(order), "sale", SALE_LANE, order, {"order": order, "waits_for": blocked.on}, blocked)


def _refused(case: Case, error: Unbookable) -> Decision:
    order = case.known.order.key
    delivery = Delivery(sale_id(order), "sale", SALE_LANE, order, {"order": order})
    return Decision(refuse=(Refusal(delivery, error.reason, error.detail),))


def _stray(case: Case) -> Unbookable:
    order = case.known.order
    return Unbookable(
        Reason.SALE_STATUS_UNKNOWN,
        f"order {order.number} of shop {order.shop} is paid and in the status {order.status!r}, which no trigger "
        f"names: put it into shops.{order.shop}.orders.trigger, or into waiting-statuses if the trigger comes later",
    )


def _answered(case: Case, decision: Decision, problem: str = "", waits: str = "") -> Decision:
    owed: tuple[Event, ...] = answers(
        case.pushes, SERVICE, case.shop.flows.orders, True, case.state.now, problem=problem, waits=waits
    )
    return replace(decision, announce=(*decision.announce, *owed))
