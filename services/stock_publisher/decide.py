"""Which figure a shop should hold for an item now, and whether that must be written or said."""

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
"""A figure above this is an error of input (a barcode typed as a quantity), not stock."""


def stock_lane_name(shop: str) -> str:
    """The lane of a shop's stock writes: a shop that is down holds up no other."""
    return f"woocommerce.stock.{shop}"


@dataclass(frozen=True, slots=True)
class StockSubject:
    """An item that a shop sells: its link, when its stock was read, and how the shop looks at it."""

    link: ProductLinked
    outlook: ShopOutlook
    seen_at: datetime

    @property
    def shop(self) -> ShopSettings:
        """The shop's settings."""
        return self.outlook.rules


def decide_stock(settings: Settings, subject: str, state: State) -> Decision:
    """The figure of a `shop:item`: written when the flow is live, announced in dry-run, nothing when off.

    Nothing is published before a policy is chosen (claim S1.4), nor for an item whose stock Balance never stated.
    """
    link = state.get(LINK, subject)
    if link is None or link.shop not in settings.shops or settings.shops[link.shop].flows.stock == "off":
        return NOTHING
    try:
        found = _found(settings, link, state)
    except UnknownWarehouse as unknown:
        return Decision(deliveries=(_blocked(link, unknown),))
    return NOTHING if found is None else _follow(found, state)


def compute_current_figure(settings: Settings, link: ProductLinked, state: State) -> tuple[Figure, datetime] | None:
    """The figure that the shop should hold now, and when its stock was read; None where there is nothing to compute it
    from. Raises `UnknownWarehouse`."""
    found = _found(settings, link, state)
    return None if found is None else (_wanted(found, found.outlook.position(link.item), state), found.seen_at)


def _found(settings: Settings, link: ProductLinked, state: State) -> StockSubject | None:
    """An item with what its figure is computed from. Raises `UnknownWarehouse`."""
    rules = settings.shops[link.shop].stock
    seen_at = ShopOutlook(settings, link.shop, (), state).seen_at(link.item)
    if rules.policy is None or seen_at is None:
        return None
    return StockSubject(
        link, ShopOutlook(settings, link.shop, select_warehouses(rules.sold_from, state), state), seen_at
    )


def _blocked(link: ProductLinked, unknown: UnknownWarehouse) -> Delivery:
    """Waits for the first reading that names the warehouse; past the deadline a person is told."""
    blocked = Blocked(f"warehouse:{unknown.entry}", Reason.STOCK_WAREHOUSE_UNKNOWN, unknown.detail)
    return _delivery(link, {"shop": link.shop, "item": link.item}, blocked)


def _delivery(link: ProductLinked, payload: dict[str, object], blocked: Blocked | None = None) -> Delivery:
    return Delivery(f"stock:{link.key}", KIND, stock_lane_name(link.shop), link.key, payload, blocked)


def _follow(found: StockSubject, state: State) -> Decision:
    position, last = found.outlook.position(found.link.item), state.get(PUBLISHED, found.link.key)
    write = _write(found, _wanted(found, position, state), stock_moves(found.link, state), last)
    if write.quantity > HIGHEST:
        return Decision(refuse=(_absurd(found.link, write),))
    again_at = _again_at(found, position, state)
    if found.shop.flows.stock == "live":
        due = last is None or _outdated(last, write) or needs_correction(state.get(DRIFT, found.link.key), last)
        return Decision((_delivery(found.link, write.model_dump(mode="json")),) if due else (), again_at=again_at)
    changed = last is None or (last.quantity, last.locations) != (write.quantity, write.locations)
    return Decision(announce=(write.published("dry-run", state.now),) if changed else (), again_at=again_at)


def _absurd(link: ProductLinked, write: StockWrite) -> Refusal:
    said = f"{link.sku} (item {link.item}): {write.quantity:f} pieces for sale cannot be right; correct it in Balance"
    return Refusal(_delivery(link, write.model_dump(mode="json")), Reason.STOCK_FIGURE_ABSURD, said)


def _wanted(found: StockSubject, position: ItemPosition, state: State) -> Figure:
    rules, outlook = found.shop.stock, found.outlook

    def free(item: str) -> Decimal:
        return outlook.position(item).free(rules)

    more = [*kit_lines(rules.kits, found.link.item, free, outlook.named)]
    if found.shop.catalogue.empties_withdrawn and state.get(WITHDRAWN, found.link.item):
        more.append(withdrawn_line([*position.lines(rules), *more]))
    wanted = compute_figure(position, rules, more)
    locations = {name: select_warehouses(entries, state) for name, entries in rules.locations.items()}
    return with_locations(wanted, position, locations, rules)


def _again_at(found: StockSubject, position: ItemPosition, state: State) -> datetime | None:
    """When the figure may change by itself: an order's hold ends, or a lot begins to expire too soon."""
    times = [one.until for one in position.held]
    expiry = next_expiry(position.rows, found.shop.stock, state.now)
    return min([*times, *([expiry] if expiry else [])], default=None)


def _write(found: StockSubject, wanted: Figure, moves: int, last: AvailabilityChanged | None) -> StockWrite:
    news = last is None or last.stock_seen_at is None or last.stock_seen_at < found.seen_at
    link = found.link
    return StockWrite(
        shop=link.shop,
        item=link.item,
        product_id=link.product_id,
        parent_id=link.parent_id,
        sku=link.sku,
        quantity=wanted.quantity,
        explanation=wanted.explanation,
        locations=wanted.locations,
        location_meta_key=found.shop.stock.location_meta_key if wanted.locations else None,
        stock_seen_at=found.seen_at,
        answers_reading=news,
        shop_moves=moves,
        further=tuple(StockTarget(product_id=one.product_id, parent_id=one.parent_id) for one in link.further),
        switch_on=_switched_on(found, last),
    )


def _switched_on(found: StockSubject, last: AvailabilityChanged | None) -> tuple[int, ...]:
    """The products that shall keep stock from this figure on: after their first one the shop's people may decide."""
    if found.shop.stock.manage == "davtari" or last is None or last.mode != "live":
        return found.link.product_ids
    written = {last.product_id, *last.further_products}
    return tuple(product for product in found.link.product_ids if product not in written)


def _outdated(last: AvailabilityChanged, write: StockWrite) -> bool:
    """Whether the shop may hold another figure than the one meant.

    The figure alone does not tell: when an order takes 4 off and Balance receives 4 at once, the figure is what was
    published, but the shop has moved its stock by itself. Every such movement is therefore answered by a write.
    """
    other_figure = last.mode != "live" or (last.quantity, last.locations) != (write.quantity, write.locations)
    written = (last.product_id, *last.further_products)
    other_product = written != tuple(target.product_id for target in write.targets)
    return other_figure or other_product or last.shop_moves != write.shop_moves
