"""Orders as far as stock is concerned: the pieces that each contains, and since when the shop's stock is reduced by it.

WooCommerce reduces stock at `processing`, `on-hold` and `completed`, not at `pending`, and restores it at `cancelled`,
`refunded` and `failed` (WooCommerce fact 43). The status of a plugin (`packed`) shows nothing about stock: a known
order keeps its pieces or not as before, and a paid order that was never seen holds them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from contracts.delivery_ids import order_key
from contracts.model import Instant, Part, Quantity
from contracts.order_statuses import CORE_STATUSES, STOCK_REDUCING_STATUSES
from contracts.shop import OrderChanged, OrderLine, OrderUnreadable, ReadableLine
from services.accounting.documents.lines import normalize_sku, takes_goods

STOCK_KEEPING_STATUSES = (CORE_STATUSES | {"draft"}) - STOCK_REDUCING_STATUSES
ZERO = Decimal(0)


class OrderedPieces(Part):
    """The pieces of one product or variation in an order; `product` is 0 if the line has no product id."""

    product: int
    sku: str = ""
    quantity: Quantity

    @property
    def name(self) -> str:
        """The key of the product within its order; empty without a product id and SKU."""
        if self.product:
            return str(self.product)
        return f"sku:{normalize_sku(self.sku)}" if normalize_sku(self.sku) else ""


PiecesByProduct = dict[str, OrderedPieces]


@dataclass(frozen=True, slots=True)
class OrderSnapshot:
    """An order as an event or the shop's list shows it.

    `read` is False for the list; `whole` is False if lines may be missing because they cannot be read.
    """

    shop: str
    order_id: int
    number: str
    status: str
    asked: PiecesByProduct
    refund_ids: tuple[int, ...] = ()
    parent_id: int = 0
    created_via: str = ""
    paid_at: datetime | None = None
    completed_at: datetime | None = None
    modified_at: datetime | None = None
    read: bool = True
    whole: bool = True

    @property
    def key(self) -> str:
        """`shop:order`."""
        return order_key(self.shop, self.order_id)


class ShopOrder(Part):
    """The pieces that an order contains (`asked`), and since when the shop's stock is reduced by it (`accepted_at`).

    `read`: its state comes from the topics; False while it is only known from the shop's list.
    """

    shop: str
    order_id: int
    number: str
    status: str
    asked: PiecesByProduct
    refund_ids: tuple[int, ...] = ()
    parent_id: int = 0
    created_via: str = ""
    accepted_at: Instant | None = None
    modified_at: Instant | None = None
    read: bool = True

    @property
    def key(self) -> str:
        """`shop:order`."""
        return order_key(self.shop, self.order_id)

    @property
    def holding(self) -> PiecesByProduct:
        """The pieces by which this order has reduced the shop's stock."""
        return self.asked if self.accepted_at else {}


def snapshot_of_event(event: OrderChanged) -> OrderSnapshot:
    """Return the order of an event."""
    return OrderSnapshot(
        shop=event.shop,
        order_id=event.order_id,
        number=event.number,
        status=event.status,
        asked=sum_pieces(map(_pieces_of, filter(takes_goods, event.lines))),
        refund_ids=tuple(sorted(event.refund_ids)),
        parent_id=event.parent_id,
        created_via=event.created_via,
        paid_at=event.paid_at,
        completed_at=event.completed_at,
        modified_at=event.modified_at,
    )


def _pieces_of(line: OrderLine | ReadableLine) -> OrderedPieces:
    return OrderedPieces(product=line.variation_id or line.product_id, sku=line.sku, quantity=line.quantity)


def sum_pieces(lines: Iterable[OrderedPieces]) -> PiecesByProduct:
    """Return the pieces of each product; a line without product, SKU or pieces is left out."""
    pieces: PiecesByProduct = {}
    for line in lines:
        if line.name and line.quantity > 0:
            before = pieces.get(line.name)
            quantity = line.quantity + (before.quantity if before else ZERO)
            pieces[line.name] = (before or line).model_copy(update={"quantity": quantity})
    return pieces


def update_order(shown: OrderSnapshot, before: ShopOrder | None, observed_at: datetime | None = None) -> ShopOrder:
    """Return the order after a snapshot; `before` is its last state, `observed_at` replaces times that the shop omits.

    If lines may be missing, the larger of the old and new quantity of each product counts.
    """
    known = before.asked if before and not shown.whole else {}
    return ShopOrder(
        shop=shown.shop,
        order_id=shown.order_id,
        number=shown.number,
        status=shown.status,
        asked=_larger(shown.asked, known),
        refund_ids=shown.refund_ids,
        parent_id=shown.parent_id,
        created_via=shown.created_via,
        accepted_at=_accepted_at(shown, before, observed_at),
        modified_at=shown.modified_at,
        read=shown.read,
    )


def update_unreadable_order(event: OrderUnreadable, before: ShopOrder | None) -> ShopOrder:
    """Return an order that cannot be read: it holds no fewer pieces than before, unless its status restores stock."""
    shown = OrderSnapshot(
        shop=event.shop,
        order_id=event.order_id,
        number=event.number or (before.number if before else str(event.order_id)),
        status=event.status or (before.status if before else ""),
        asked=sum_pieces(map(_pieces_of, event.lines)),
        refund_ids=before.refund_ids if before else (),
        parent_id=event.parent_id or (before.parent_id if before else 0),
        created_via=event.created_via or (before.created_via if before else ""),
        paid_at=event.paid_at,
        modified_at=event.modified_at,
        whole=False,
    )
    return update_order(shown, before, event.observed_at)


def _larger(shown: PiecesByProduct, known: PiecesByProduct) -> PiecesByProduct:
    either = known | shown
    return {
        name: max((one for one in (shown.get(name), known.get(name)) if one), key=lambda one: one.quantity)
        for name in either
    }


def _accepted_at(shown: OrderSnapshot, before: ShopOrder | None, observed_at: datetime | None) -> datetime | None:
    """The acceptance seen first counts; for an order seen for the first time, the earliest known time."""
    if not _is_accepted(shown.status, shown.paid_at, before):
        return None
    if before is None:
        known = (shown.paid_at, shown.completed_at, shown.modified_at)
        return min((when for when in known if when), default=observed_at)
    return before.accepted_at or shown.modified_at or observed_at


def _is_accepted(status: str, paid_at: datetime | None, before: ShopOrder | None) -> bool:
    """Whether an order reduces stock. Without a readable status it does: too little stock beats overselling."""
    if status in STOCK_REDUCING_STATUSES or status in STOCK_KEEPING_STATUSES:
        return status in STOCK_REDUCING_STATUSES
    if before is not None:
        return before.accepted_at is not None
    return not status or paid_at is not None


def find_moved_pieces(before: ShopOrder | None, after: ShopOrder | None) -> list[OrderedPieces]:
    """Return the products whose stock the shop may have changed by itself between two states of an order.

    A refund may have restored pieces (WooCommerce fact 59), so a change of the refunds counts as a movement. So does an
    order that is already refunded when it is first seen: it reduced the stock, and a status set to `refunded` by hand
    restores nothing (WooCommerce fact 58).
    """
    held, holds = before.holding if before else {}, after.holding if after else {}
    if after and after.refund_ids != (before.refund_ids if before else ()):
        return list((after.asked | held | holds).values())
    return [one for name, one in (held | holds).items() if _pieces(held, name) != _pieces(holds, name)]


def _pieces(asked: Mapping[str, OrderedPieces], name: str) -> Decimal:
    return asked[name].quantity if name in asked else ZERO
