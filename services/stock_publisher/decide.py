"""Which figure a shop should hold for an item now, and whether that must be written or said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from contracts.balance import StockChanged
from contracts.catalog import AvailabilityChanged, ProductLinked
from contracts.reasons import Reason
from services.shared.delivery.decision import NOTHING, Decision, Delivery
from services.shared.delivery.outcome import Blocked
from services.shared.settings.model import Settings
from services.shared.settings.shop import ShopSettings
from services.shared.state.records import State
from services.stock_publisher.availability import Figure, figure
from services.stock_publisher.in_flight import Held, Reading, all_held
from services.stock_publisher.records import CLAIM, LINK, PUBLISHED, SALE, STOCK, link_ref, moves_of
from services.stock_publisher.stock_write import StockWrite
from services.stock_publisher.warehouse import UnknownWarehouse, chosen

KIND = "stock.write"


def lane(shop: str) -> str:
    """The lane of a shop's stock writes: a shop that is down holds up no other."""
    return f"woocommerce.stock.{shop}"


@dataclass(frozen=True, slots=True)
class Subject:
    """An item that a shop sells: its link, its stock reading, and the shop's rules."""

    link: ProductLinked
    stock: StockChanged
    shop: ShopSettings


def decide(settings: Settings, subject: str, state: State) -> Decision:
    """The figure of a `shop:item`: written when the flow is live, announced in dry-run, nothing when off.

    Nothing is published before a policy is chosen (claim S1.4), nor for an item whose stock Balance never stated.
    """
    found = _subject(settings, subject, state)
    if found is None:
        return NOTHING
    try:
        warehouses = chosen(found.shop.stock.warehouses, state)
    except UnknownWarehouse as unknown:
        return Decision(deliveries=(_blocked(found, unknown),))
    held = _held(found, state)
    wanted = figure(found.stock.rows, warehouses, held, found.shop.stock)
    again_at = min((one.until for one in held), default=None)
    return _follow(found, wanted, again_at, state)


def _subject(settings: Settings, subject: str, state: State) -> Subject | None:
    shop_id, _, item = subject.partition(":")
    shop = settings.shops.get(shop_id)
    if shop is None or shop.flows.stock == "off" or shop.stock.policy is None:
        return None
    link, stock = state.get(LINK, subject), state.get(STOCK, item)
    return Subject(link, stock, shop) if link and stock else None


def _blocked(found: Subject, unknown: UnknownWarehouse) -> Delivery:
    """Waits for the first reading that names the warehouse; past the deadline a person is told."""
    blocked = Blocked(f"warehouse:{unknown.entry}", Reason.STOCK_WAREHOUSE_UNKNOWN, unknown.detail)
    return _delivery(found.link, {"shop": found.link.shop, "item": found.link.item}, blocked)


def _delivery(link: ProductLinked, payload: dict[str, object], blocked: Blocked | None = None) -> Delivery:
    return Delivery(f"stock:{link.key}", KIND, lane(link.shop), link.key, payload, blocked)


def _held(found: Subject, state: State) -> tuple[Held, ...]:
    claims = state.find(CLAIM, link_ref(found.link))
    sales = {key: state.get(SALE, f"{found.link.shop}:{claim.order_id}") for key, claim in claims.items()}
    days = found.shop.stock.in_flight_days
    return all_held(claims, sales, Reading(found.link.item, found.stock.observed_at, state.now, days))


def _follow(found: Subject, wanted: Figure, again_at: datetime | None, state: State) -> Decision:
    write = _write(found, wanted, moves_of(link_ref(found.link), state))
    last = state.get(PUBLISHED, found.link.key)
    if found.shop.flows.stock == "live":
        due = last is None or _outdated(last, write)
        return Decision((_delivery(found.link, write.model_dump(mode="json")),) if due else (), again_at=again_at)
    changed = last is None or last.quantity != write.quantity
    return Decision(announce=(write.published("dry-run", state.now),) if changed else (), again_at=again_at)


def _write(found: Subject, wanted: Figure, moves: int) -> StockWrite:
    return StockWrite(
        shop=found.link.shop,
        item=found.link.item,
        product_id=found.link.product_id,
        parent_id=found.link.parent_id,
        sku=found.link.sku,
        quantity=wanted.quantity,
        explanation=wanted.explanation,
        stock_seen_at=found.stock.observed_at,
        shop_moves=moves,
    )


def _outdated(last: AvailabilityChanged, write: StockWrite) -> bool:
    """Whether the shop may hold another figure than the one meant.

    The figure alone does not tell: when an order takes 4 off and Balance receives 4 at once, the figure is what was
    published, but the shop has moved its stock by itself. Every such movement is therefore answered by a write.
    """
    other_figure = last.mode != "live" or last.quantity != write.quantity
    return other_figure or (last.product_id, last.shop_moves) != (write.product_id, write.shop_moves)
