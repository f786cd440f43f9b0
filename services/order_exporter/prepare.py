"""From what is known of an order to the Sale that it needs: ready to go, or waiting for a product's link."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from contracts.balance import Accounts
from contracts.ledger import CreditNoteRecorded
from contracts.placement import Pieces, WarehouseChosen
from contracts.reasons import Reason
from contracts.shop import OrderChanged, OrderLine
from services.order_exporter.buyer import Buyer, buyer_of
from services.order_exporter.content import books_digest
from services.order_exporter.postponed import postponed
from services.order_exporter.projection import (
    ACCOUNTS,
    LINK,
    PLANNED_LINK,
    REVERSED,
    KnownOrder,
    link_name,
    product_key,
)
from services.order_exporter.regular_price import regular_prices
from services.order_exporter.sale import Sale, sale_of
from services.order_exporter.sale_document import sale_document
from services.order_exporter.tasks import ClientTask, SaleTask
from services.order_exporter.warehouse import needed, place_of
from services.shared.delivery.outcome import Blocked
from services.shared.documents.ruling import ruling_of
from services.shared.documents.uids import sale_uid
from services.shared.documents.unbookable import Unbookable
from services.shared.settings.balance import BalanceSettings
from services.shared.settings.catalogue import PriceSettings
from services.shared.settings.orders import OrderSettings
from services.shared.state.records import State

NO_RULES = PriceSettings()


@dataclass(frozen=True, slots=True)
class Ready:
    """A Sale that can be written, as soon as `lookup` has said who the client is."""

    task: SaleTask
    lookup: ClientTask | None
    choice: WarehouseChosen | None = None


def prepare(
    known: KnownOrder,
    settings: OrderSettings,
    balance: BalanceSettings,
    state: State,
    *,
    live: bool = True,
    prices: PriceSettings = NO_RULES,
) -> Ready | Blocked:
    """The Sale of an order, or what it waits for. Raises `Unbookable` when there can be none.

    A Sale that is only planned (not `live`) may stand on links that are only planned too.
    """
    items = items_of(known.order, state, live=live)
    if isinstance(items, Blocked):
        return items
    ruling = ruling_of(known.order, settings)
    place = place_of(known.order, items, ruling, state)
    if isinstance(place, Blocked):
        return place
    rules = ruling.applied(settings, place.warehouse)
    regular = regular_prices(known.order, items, prices, balance, state) if rules.sale_price_as == "discount" else {}
    accounts, taken_back = _accounts(items, rules, state), state.find(REVERSED, known.order.key)
    sale = _revised(sale_of(known.order, items, rules, balance, regular), known.order, taken_back)
    buyer = buyer_of(known.order, rules, balance, state)
    document = sale_document(sale, buyer.client, accounts, rules, balance)
    task = _task(known, sale, buyer, document).model_copy(update=_posting(known.order, items, rules, state))
    return Ready(task, buyer.lookup, place.choice)


def _accounts(items: Mapping[int, str], rules: OrderSettings, state: State) -> dict[str, Accounts]:
    """The postings of all items that the Sale may have. Read before it is computed: a rule runs again for each miss."""
    uids = (*items.values(), rules.shipping_item, rules.fee_item, rules.rounding_item)
    return {uid: state.get(ACCOUNTS, uid) or Accounts() for uid in dict.fromkeys(uids) if uid}


def _posting(order: OrderChanged, items: Mapping[int, str], rules: OrderSettings, state: State) -> dict[str, object]:
    """How the Sale is posted, and what becomes of it when the goods are not there."""
    posted: dict[str, object] = {"posted": rules.document_state == "posted"}
    if rules.short_stock == "park":
        return posted
    pieces = tuple(Pieces(item=item, quantity=count) for item, count in needed(order, items, state).items())
    again = postponed(order, state) is not None
    return posted | {"pieces": pieces, "short_stock": rules.short_stock, "again": again}


def items_of(order: OrderChanged, state: State, *, live: bool) -> dict[int, str] | Blocked:
    """The item of each product line, by line id; or the link that the order waits for."""
    items = {}
    for line in (line for line in order.lines if line.kind == "product"):
        product = _product(order, line)
        link = state.get(LINK, product) or (None if live else state.get(PLANNED_LINK, product))
        if link is None:
            return _not_linked(order, line)
        items[line.line_id] = link.item
    return items


def _product(order: OrderChanged, line: OrderLine) -> str:
    if not (line.variation_id or line.product_id):
        raise Unbookable(
            Reason.SALE_ITEM_NOT_LINKED,
            f"order {order.number} of shop {order.shop}: line {line.line_id} ({line.name}) names no product of the "
            "shop (deleted, or typed by hand): put a product on that line in the shop, or book the order by hand",
        )
    return product_key(order.shop, line)


def _not_linked(order: OrderChanged, line: OrderLine) -> Blocked:
    product = line.variation_id or line.product_id
    sku = f", SKU {line.sku}" if line.sku else ""
    return Blocked(
        on=link_name(product_key(order.shop, line)),
        reason=Reason.SALE_ITEM_NOT_LINKED,
        detail=f"order {order.number} of shop {order.shop}: product {product} ({line.name}{sku}) has no item in "
        "Balance: give it its item's SKU and run davtari import items; the order then goes by itself",
    )


def _revised(sale: Sale, order: OrderChanged, taken_back: Mapping[str, CreditNoteRecorded]) -> Sale:
    """After Sales that were credited whole: another document, under the day of the last of those corrections."""
    if not taken_back:
        return sale
    revision, date = len(taken_back), max(note.date for note in taken_back.values())
    return replace(sale, uid=sale_uid(order.shop, order.order_id, revision), date=date, revision=revision)


def _task(known: KnownOrder, sale: Sale, buyer: Buyer, document: dict[str, object]) -> SaleTask:
    return SaleTask(
        shop=known.order.shop,
        order_id=known.order.order_id,
        order_version=known.version,
        content_digest=books_digest(known.order),
        sale=sale.uid,
        client=buyer.client,
        date=sale.date,
        currency=sale.currency,
        total=sale.total,
        vat=sale.vat,
        lines=sale.recorded_lines(),
        notes=sale.notes,
        revision=sale.revision,
        currency_rate=sale.rate,
        document=document,
    )
