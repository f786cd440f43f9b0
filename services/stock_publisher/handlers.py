"""What stock, link, order and Sale events mean for the figures that shops sell from. Subjects are `shop:item`."""

from __future__ import annotations

from collections import defaultdict
from functools import partial

from contracts.alerts import FeedStateChanged
from contracts.balance import ItemChanged, ItemWithdrawn, StockChanged
from contracts.catalog import AvailabilityChanged, ProductLinked, ProductUnlinked
from contracts.delivery_ids import order_key
from contracts.drift import StockDrifted
from contracts.envelope import Envelope
from contracts.ledger import SaleRecorded
from contracts.sales_orders import SalesOrderEnded, SalesOrderRecorded
from contracts.shop import OrderChanged, OrderRemoved, OrderUnreadable
from services.engine.outbox.handlers import Handlers
from services.engine.state.records import State
from services.settings.model import Settings
from services.stock_publisher.claims import (
    StockReading,
    claims_on_item,
    forget_link,
    held_by_order,
    remember_link,
    reserved_pieces,
    sold_pieces,
)
from services.stock_publisher.decide import decide_stock
from services.stock_publisher.drift import on_feed_state_changed, on_stock_drifted
from services.stock_publisher.order_rules import (
    drop_claim,
    on_order_changed,
    on_order_removed,
    on_order_unreadable,
    touch_item,
    touch_lines,
)
from services.stock_publisher.position import remember_warehouses
from services.stock_publisher.records import LINK, ORDER, PUBLISHED, RESERVED, SALE, STOCK, WITHDRAWN, Claim

TOPICS = ("balance.items", "balance.stock", "catalog.links", "shop.orders", "ledger.documents", "stock.availability")


def handlers(settings: Settings) -> Handlers:
    """Return the rules of the stock publisher."""
    return Handlers(
        topics=TOPICS,
        remember={
            ItemChanged: partial(on_item_changed, settings),
            ItemWithdrawn: partial(on_item_withdrawn, settings),
            StockChanged: partial(on_stock_changed, settings),
            ProductLinked: partial(on_product_linked, settings),
            ProductUnlinked: partial(on_product_unlinked, settings),
            OrderChanged: partial(on_order_changed, settings),
            OrderUnreadable: partial(on_order_unreadable, settings),
            OrderRemoved: partial(on_order_removed, settings),
            SaleRecorded: partial(on_sale_recorded, settings),
            SalesOrderRecorded: partial(on_sales_order_recorded, settings),
            SalesOrderEnded: partial(on_sales_order_ended, settings),
            AvailabilityChanged: on_availability_changed,
            StockDrifted: on_stock_drifted,
            FeedStateChanged: on_feed_state_changed,
        },
        decide=partial(decide_stock, settings),
    )


def on_item_changed(settings: Settings, envelope: Envelope[ItemChanged], state: State) -> None:
    """An item that had left Balance's catalogue is back."""
    item = envelope.data.item
    if state.get(WITHDRAWN, item):
        state.drop(WITHDRAWN, item)
        touch_item(settings, item, state)


def on_item_withdrawn(settings: Settings, envelope: Envelope[ItemWithdrawn], state: State) -> None:
    """An item has left Balance's catalogue."""
    state.put(WITHDRAWN, envelope.data.item, envelope.data)
    touch_item(settings, envelope.data.item, state)


def on_stock_changed(settings: Settings, envelope: Envelope[StockChanged], state: State) -> None:
    """The stock of an item changed: its figure may differ in every shop, and a warehouse may have become known."""
    event = envelope.data
    state.put(STOCK, event.item, event)
    for name in remember_warehouses(event.rows, state):
        state.release(f"warehouse:{name}")
    for shop, rules in settings.shops.items():
        _drop_ended_claims(shop, event, rules.stock.in_flight_days, state)
    touch_item(settings, event.item, state)


def _drop_ended_claims(shop: str, stock: StockChanged, days: int, state: State) -> None:
    """Drop the claims that this reading ends, so that the claims to evaluate do not grow with every order.

    A claim that is only covered by a reservation is kept: it is in flight again when the sales order ends.
    """
    link = state.get(LINK, f"{shop}:{stock.item}")
    if link is None:
        return
    reading = StockReading(stock.item, stock.observed_at, state.now, days)
    by_order: dict[int, dict[str, Claim]] = defaultdict(dict)
    for key, claim in claims_on_item(link, state).items():
        by_order[claim.order_id][key] = claim
    sales = state.get_many(SALE, (order_key(shop, order_id) for order_id in by_order))
    for order_id, claims in by_order.items():
        sale = sales.get(order_key(shop, order_id))
        if held_by_order(list(claims.values()), (sale,) if sale else (), reading) is None:
            for key in claims:
                drop_claim(key, state)


def on_product_linked(settings: Settings, envelope: Envelope[ProductLinked], state: State) -> None:
    """An item has a product, or further ones: from now on it has a figure."""
    for item in sorted(remember_link(envelope.data, state)):
        touch_item(settings, item, state)


def on_product_unlinked(settings: Settings, envelope: Envelope[ProductUnlinked], state: State) -> None:
    """The product is gone or belongs to another item: nothing is written to it any more."""
    link = state.get(LINK, envelope.data.key)
    if link and link.product_id == envelope.data.product_id:
        for item in sorted(forget_link(link, state)):
            touch_item(settings, item, state)


def on_sale_recorded(settings: Settings, envelope: Envelope[SaleRecorded], state: State) -> None:
    """Balance has the order's Sale: the next stock reading contains it."""
    event = envelope.data
    state.put(SALE, event.key, sold_pieces(event))
    _touch_order(settings, event.key, state)


def on_sales_order_recorded(settings: Settings, envelope: Envelope[SalesOrderRecorded], state: State) -> None:
    """Balance reserves the order's goods: the next stock reading contains the reserve."""
    state.put(RESERVED, envelope.data.key, reserved_pieces(envelope.data))
    _touch_order(settings, envelope.data.key, state)


def on_sales_order_ended(settings: Settings, envelope: Envelope[SalesOrderEnded], state: State) -> None:
    """Balance no longer reserves the order's goods."""
    state.drop(RESERVED, envelope.data.key)
    _touch_order(settings, envelope.data.key, state)


def _touch_order(settings: Settings, key: str, state: State) -> None:
    if order := state.get(ORDER, key):
        touch_lines(settings, order.shop, order.asked.values(), state)


def on_availability_changed(envelope: Envelope[AvailabilityChanged], state: State) -> None:
    """A figure was written to the shop, or announced in dry-run."""
    state.put(PUBLISHED, envelope.data.key, envelope.data)
