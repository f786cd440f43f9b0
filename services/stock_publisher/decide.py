"""Which figure a shop should hold for an item now, and whether it must be written or announced."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from contracts.catalog import AvailabilityChanged, ProductLinked
from contracts.reasons import Reason
from services.engine.outbox.decision import NOTHING, Decision, Delivery, Refusal
from services.engine.outbox.outcome import Blocked
from services.engine.state.records import State
from services.settings.model import Settings
from services.settings.shop import ShopSettings
from services.stock_publisher.availability import (
    Figure,
    compute_figure,
    kit_lines,
    with_locations,
    withdrawn_line,
)
from services.stock_publisher.claims import stock_moves
from services.stock_publisher.drift import DRIFT, needs_correction
from services.stock_publisher.position import (
    ItemPosition,
    ShopOutlook,
    UnknownWarehouse,
    next_expiry,
    select_warehouses,
)
from services.stock_publisher.records import LINK, PUBLISHED, WITHDRAWN, StockTarget, StockWrite

KIND = "stock.write"
HIGHEST = Decimal(10_000_000)
"""A figure above this is a typing error (a barcode entered as a quantity), not stock."""


def stock_lane_name(shop: str) -> str:
    """Return the lane of a shop's stock writes: a shop that is down delays no other."""
    return f"woocommerce.stock.{shop}"


@dataclass(frozen=True, slots=True)
class StockSubject:
    """An item that a shop sells: its link, the shop's view of its stock, and when that was read."""

    link: ProductLinked
    outlook: ShopOutlook
    seen_at: datetime

    @property
    def shop(self) -> ShopSettings:
        """The shop's settings."""
        return self.outlook.rules


def decide_stock(settings: Settings, subject: str, state: State) -> Decision:
    """Decide the figure of a `shop:item`: written if the flow is live, announced in dry-run, nothing if off.

    Nothing is published before a policy is chosen (claim S1.4), nor for an item whose stock was never read.
    """
    link = state.get(LINK, subject)
    if link is None or link.shop not in settings.shops or settings.shops[link.shop].flows.stock == "off":
        return NOTHING
    try:
        found = _load_subject(settings, link, state)
    except UnknownWarehouse as unknown:
        return Decision(deliveries=(_blocked_delivery(link, unknown),))
    return NOTHING if found is None else _decide_figure(found, state)


def compute_current_figure(settings: Settings, link: ProductLinked, state: State) -> tuple[Figure, datetime] | None:
    """Return the figure that the shop should hold now, and when its stock was read; None if it cannot be computed.

    Raises `UnknownWarehouse`.
    """
    found = _load_subject(settings, link, state)
    return None if found is None else (_figure(found, found.outlook.position(link.item), state), found.seen_at)


def _load_subject(settings: Settings, link: ProductLinked, state: State) -> StockSubject | None:
    """Load what a figure is computed from; None before a policy and a reading. Raises `UnknownWarehouse`."""
    rules = settings.shops[link.shop].stock
    seen_at = ShopOutlook(settings, link.shop, (), state).seen_at(link.item)
    if rules.policy is None or seen_at is None:
        return None
    return StockSubject(
        link, ShopOutlook(settings, link.shop, select_warehouses(rules.sold_from, state), state), seen_at
    )


def _blocked_delivery(link: ProductLinked, unknown: UnknownWarehouse) -> Delivery:
    """Wait for the first reading that contains the warehouse; after the deadline it becomes a dead letter."""
    blocked = Blocked(f"warehouse:{unknown.entry}", Reason.STOCK_WAREHOUSE_UNKNOWN, unknown.detail)
    return _delivery(link, {"shop": link.shop, "item": link.item}, blocked)


def _delivery(link: ProductLinked, payload: dict[str, object], blocked: Blocked | None = None) -> Delivery:
    return Delivery(f"stock:{link.key}", KIND, stock_lane_name(link.shop), link.key, payload, blocked)


def _decide_figure(found: StockSubject, state: State) -> Decision:
    position, last = found.outlook.position(found.link.item), state.get(PUBLISHED, found.link.key)
    write = _write(found, _figure(found, position, state), stock_moves(found.link, state), last)
    if write.quantity > HIGHEST:
        return Decision(refuse=(_refuse_absurd(found.link, write),))
    again_at = _again_at(found, position, state)
    if found.shop.flows.stock == "live":
        due = last is None or _outdated(last, write) or needs_correction(state.get(DRIFT, found.link.key), last)
        return Decision((_delivery(found.link, write.model_dump(mode="json")),) if due else (), again_at=again_at)
    changed = last is None or (last.quantity, last.locations) != (write.quantity, write.locations)
    return Decision(announce=(write.published("dry-run", state.now),) if changed else (), again_at=again_at)


def _refuse_absurd(link: ProductLinked, write: StockWrite) -> Refusal:
    detail = f"{link.sku} (item {link.item}): {write.quantity:f} pieces for sale cannot be right; correct it in Balance"
    return Refusal(_delivery(link, write.model_dump(mode="json")), Reason.STOCK_FIGURE_ABSURD, detail)


def _figure(found: StockSubject, position: ItemPosition, state: State) -> Figure:
    rules, outlook = found.shop.stock, found.outlook

    def free(item: str) -> Decimal:
        return outlook.position(item).free(rules)

    more = [*kit_lines(rules.kits, found.link.item, free, outlook.sku_or_uid)]
    if found.shop.catalogue.empties_withdrawn and state.get(WITHDRAWN, found.link.item):
        more.append(withdrawn_line([*position.lines(rules), *more]))
    figure = compute_figure(position, rules, more)
    locations = {name: select_warehouses(entries, state) for name, entries in rules.locations.items()}
    return with_locations(figure, position, locations, rules)


def _again_at(found: StockSubject, position: ItemPosition, state: State) -> datetime | None:
    """When the figure can change without an event: a claim ends, or a lot becomes too close to its expiry."""
    times = [held.until for held in position.held]
    expiry = next_expiry(position.rows, found.shop.stock, state.now)
    return min([*times, *([expiry] if expiry else [])], default=None)


def _write(found: StockSubject, figure: Figure, moves: int, last: AvailabilityChanged | None) -> StockWrite:
    is_new_reading = last is None or last.stock_seen_at is None or last.stock_seen_at < found.seen_at
    link = found.link
    return StockWrite(
        shop=link.shop,
        item=link.item,
        product_id=link.product_id,
        parent_id=link.parent_id,
        sku=link.sku,
        quantity=figure.quantity,
        explanation=figure.explanation,
        locations=figure.locations,
        location_meta_key=found.shop.stock.location_meta_key if figure.locations else None,
        stock_seen_at=found.seen_at,
        answers_reading=is_new_reading,
        shop_moves=moves,
        further=tuple(StockTarget(product_id=one.product_id, parent_id=one.parent_id) for one in link.further),
        switch_on=_products_to_switch_on(found, last),
    )


def _products_to_switch_on(found: StockSubject, last: AvailabilityChanged | None) -> tuple[int, ...]:
    """The products whose stock management this figure switches on; after the first figure the shop's staff decide."""
    if found.shop.stock.manage == "davtari" or last is None or last.mode != "live":
        return found.link.product_ids
    written = {last.product_id, *last.further_products}
    return tuple(product for product in found.link.product_ids if product not in written)


def _outdated(last: AvailabilityChanged, write: StockWrite) -> bool:
    """Whether the shop may hold another figure than the one last published.

    Comparing figures is not enough: when an order takes 4 pieces and Balance receives 4 at the same time, the figure
    equals the published one, but the shop has reduced its stock by itself. So every such movement causes a write.
    """
    other_figure = last.mode != "live" or (last.quantity, last.locations) != (write.quantity, write.locations)
    written = (last.product_id, *last.further_products)
    other_product = written != tuple(target.product_id for target in write.targets)
    return other_figure or other_product or last.shop_moves != write.shop_moves
