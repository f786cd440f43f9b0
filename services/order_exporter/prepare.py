"""From what is known of an order to the Sale that it needs: ready to go, or waiting for a product's link."""

from __future__ import annotations

from dataclasses import dataclass, replace

from contracts.balance import Accounts
from contracts.reasons import Reason
from contracts.shop import OrderChanged, OrderLine
from services.order_exporter.buyer import Buyer, buyer_of
from services.order_exporter.content import books_digest
from services.order_exporter.projection import (
    ACCOUNTS,
    LINK,
    PLANNED_LINK,
    REVERSED,
    KnownOrder,
    link_name,
    product_key,
)
from services.order_exporter.sale import Sale, sale_of
from services.order_exporter.sale_document import sale_document
from services.order_exporter.tasks import ClientTask, SaleTask
from services.shared.delivery.outcome import Blocked
from services.shared.documents.uids import sale_uid
from services.shared.documents.unbookable import Unbookable
from services.shared.settings.balance import BalanceSettings
from services.shared.settings.orders import OrderSettings
from services.shared.state.records import State


@dataclass(frozen=True, slots=True)
class Ready:
    """A Sale that can be written, as soon as `lookup` has said who the client is."""

    task: SaleTask
    lookup: ClientTask | None


def prepare(
    known: KnownOrder, settings: OrderSettings, balance: BalanceSettings, state: State, *, live: bool = True
) -> Ready | Blocked:
    """The Sale of an order, or what it waits for. Raises `Unbookable` when there can be none.

    A Sale that is only planned (not `live`) may stand on links that are only planned too.
    """
    items = _items(known.order, state, live=live)
    if isinstance(items, Blocked):
        return items
    sale = _revised(sale_of(known.order, items, settings, balance), known.order, state)
    buyer = buyer_of(known.order, settings, balance, state)
    accounts = {line.item: state.get(ACCOUNTS, line.item) or Accounts() for line in sale.lines}
    document = sale_document(sale, buyer.client, accounts, settings, balance)
    return Ready(_task(known, sale, buyer, document), buyer.lookup)


def _items(order: OrderChanged, state: State, *, live: bool) -> dict[int, str] | Blocked:
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


def _revised(sale: Sale, order: OrderChanged, state: State) -> Sale:
    """After Sales that were credited whole: another document, under the day of the last of those corrections."""
    taken_back = state.find(REVERSED, order.key)
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
