"""What stock, link, order and Sale events mean for the figures that shops sell from. Subjects are `shop:item`."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from contracts.alerts import FeedStateChanged
from contracts.balance import ItemChanged, ItemWithdrawn, StockChanged
from contracts.catalog import AvailabilityChanged, ProductLinked, ProductUnlinked
from contracts.drift import StockDrifted
from contracts.envelope import Envelope
from contracts.ledger import SaleRecorded
from contracts.sales_orders import SalesOrderEnded, SalesOrderRecorded
from contracts.shop import OrderChanged, OrderRemoved, OrderUnreadable
from services.shared.delivery.handlers import Handlers
from services.shared.settings.model import Settings
from services.shared.state.records import State
from services.stock_publisher import in_flight, warehouse
from services.stock_publisher.decide import decide
from services.stock_publisher.drift import feed_changed, stock_drifted
from services.stock_publisher.kits import family
from services.stock_publisher.records import (
    CLAIM,
    LINK,
    MOVES,
    ORDER,
    PUBLISHED,
    RESERVED,
    SALE,
    STOCK,
    WITHDRAWN,
    Moves,
    link_ref,
    moves_of,
)
from services.stock_publisher.unread_orders import awaited

TOPICS = ("balance.items", "balance.stock", "catalog.links", "shop.orders", "ledger.documents", "stock.availability")


def handlers(settings: Settings) -> Handlers:
    """The rules of the stock publisher under these settings."""
    return Handlers(
        topics=TOPICS,
        remember={
            ItemChanged: partial(item_changed, settings),
            ItemWithdrawn: partial(item_withdrawn, settings),
            StockChanged: partial(stock_changed, settings),
            ProductLinked: partial(product_linked, settings),
            ProductUnlinked: partial(product_unlinked, settings),
            OrderChanged: partial(order_changed, settings),
            OrderUnreadable: partial(order_unreadable, settings),
            OrderRemoved: partial(order_removed, settings),
            SaleRecorded: partial(sale_recorded, settings),
            SalesOrderRecorded: partial(sales_order_recorded, settings),
            SalesOrderEnded: partial(sales_order_ended, settings),
            AvailabilityChanged: availability_changed,
            StockDrifted: stock_drifted,
            FeedStateChanged: feed_changed,
        },
        decide=partial(decide, settings),
    )


def item_changed(settings: Settings, envelope: Envelope[ItemChanged], state: State) -> None:
    """An item that had left Balance's catalogue is back."""
    item = envelope.data.item
    if state.get(WITHDRAWN, item):
        state.drop(WITHDRAWN, item)
        _touch(settings, item, state)


def item_withdrawn(settings: Settings, envelope: Envelope[ItemWithdrawn], state: State) -> None:
    """An item has left Balance's catalogue."""
    state.put(WITHDRAWN, envelope.data.item, envelope.data)
    _touch(settings, envelope.data.item, state)


def stock_changed(settings: Settings, envelope: Envelope[StockChanged], state: State) -> None:
    """Balance has read other stock: every shop's figure may differ, and a warehouse may have become known."""
    event = envelope.data
    state.put(STOCK, event.item, event)
    for name in warehouse.remember(event.rows, state):
        state.release(f"warehouse:{name}")
    for shop, rules in settings.shops.items():
        _forget_settled(shop, event, rules.stock.in_flight_days, state)
    _touch(settings, event.item, state)


def _touch(settings: Settings, item: str, state: State) -> None:
    """An item's figure may differ in every shop that sells from its pool, and with it the kits that it is part of."""
    for shop, rules in settings.shops.items():
        for each in sorted(family(rules.stock.kits, item)):
            state.touch(f"{shop}:{each}")


def _forget_settled(shop: str, stock: StockChanged, days: int, state: State) -> None:
    """Drop claims that this reading contains, so that what must be looked at does not grow with every order.

    What is only reserved comes back when the sales order ends.
    """
    link = state.get(LINK, f"{shop}:{stock.item}")
    if link is None:
        return
    reading = in_flight.Reading(stock.item, stock.observed_at, state.now, days)
    for key, claim in state.find(CLAIM, link_ref(link)).items():
        sale = state.get(SALE, f"{shop}:{claim.order_id}")
        if in_flight.held(claim, (sale,) if sale else (), reading) is None:
            state.drop(CLAIM, key)


def product_linked(settings: Settings, envelope: Envelope[ProductLinked], state: State) -> None:
    """The item has a product: from now on it has a figure."""
    link = envelope.data
    state.put(LINK, link.key, link, ref=link_ref(link))
    _touch(settings, link.item, state)


def product_unlinked(settings: Settings, envelope: Envelope[ProductUnlinked], state: State) -> None:
    """The product is gone or another item's; nothing is written for it any more."""
    link = state.get(LINK, envelope.data.key)
    if link and link.product_id == envelope.data.product_id:
        state.drop(LINK, link.key)
        _touch(settings, link.item, state)


def order_changed(settings: Settings, envelope: Envelope[OrderChanged], state: State) -> None:
    """An order holds stock, holds other stock, or has let go of it."""
    before = state.get(ORDER, envelope.data.key)
    after = in_flight.order(envelope.data, before)
    state.put(ORDER, after.key, after)
    state.release(awaited(after.key))
    _hold(settings, before, after, state)


def order_unreadable(settings: Settings, envelope: Envelope[OrderUnreadable], state: State) -> None:
    """An order that cannot be read holds the pieces that can be, and those that it is known to hold."""
    before = state.get(ORDER, envelope.data.key)
    after = in_flight.unreadable(envelope.data, before)
    state.put(ORDER, after.key, after)
    if envelope.data.status:
        state.release(awaited(after.key))
    _hold(settings, before, after, state)


def order_removed(settings: Settings, envelope: Envelope[OrderRemoved], state: State) -> None:
    """An order that the shop no longer holds lets go of its stock."""
    before = state.get(ORDER, envelope.data.key)
    state.drop(ORDER, envelope.data.key)
    _hold(settings, before, None, state)


def _hold(
    settings: Settings, before: in_flight.ShopOrder | None, after: in_flight.ShopOrder | None, state: State
) -> None:
    order = after or before
    if order is None:
        return
    claims = in_flight.claims(after) if after else {}
    for product in (before.asked.keys() if before else set()) - claims.keys():
        state.drop(CLAIM, f"{order.key}:{product}")
    for product, claim in claims.items():
        state.put(CLAIM, f"{order.key}:{product}", claim, ref=f"{order.shop}:{product}")
    for product in in_flight.moved(before, after):
        _count_move(f"{order.shop}:{product}", state)
    _touch_items(settings, order, {*claims, *(before.asked if before else ())}, state)


def _count_move(product: str, state: State) -> None:
    state.put(MOVES, product, Moves(count=moves_of(product, state) + 1))


def sale_recorded(settings: Settings, envelope: Envelope[SaleRecorded], state: State) -> None:
    """Balance holds the order's Sale: the next stock reading contains it."""
    event = envelope.data
    state.put(SALE, event.key, in_flight.sold(event))
    _touch_order(settings, event.key, state)


def sales_order_recorded(settings: Settings, envelope: Envelope[SalesOrderRecorded], state: State) -> None:
    """Balance reserves the order's goods: the next stock reading says so."""
    state.put(RESERVED, envelope.data.key, in_flight.reserved(envelope.data))
    _touch_order(settings, envelope.data.key, state)


def sales_order_ended(settings: Settings, envelope: Envelope[SalesOrderEnded], state: State) -> None:
    """Balance reserves them no more."""
    state.drop(RESERVED, envelope.data.key)
    _touch_order(settings, envelope.data.key, state)


def _touch_order(settings: Settings, key: str, state: State) -> None:
    if order := state.get(ORDER, key):
        _touch_items(settings, order, order.asked, state)


def _touch_items(settings: Settings, order: in_flight.ShopOrder, products: Iterable[int], state: State) -> None:
    for product in products:
        for link in state.find(LINK, f"{order.shop}:{product}").values():
            _touch(settings, link.item, state)


def availability_changed(envelope: Envelope[AvailabilityChanged], state: State) -> None:
    """Our own word: this figure was published, or announced in dry-run."""
    state.put(PUBLISHED, envelope.data.key, envelope.data)
