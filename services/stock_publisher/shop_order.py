"""Web orders as far as stock is concerned: what each asks for, and since when the shop has taken it off its stock.

WooCommerce takes stock off at `processing`, `on-hold` and `completed`, not at `pending`, and gives it back at
`cancelled`, `refunded` and `failed` (API fact: reference section 6). A status that a plugin made (`packed`) says
nothing about stock: the order goes on as it was, and a paid one that was never seen before holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from contracts.delivery_ids import order_key
from contracts.model import Instant, Part, Quantity
from contracts.order_statuses import CORE_STATUSES, STOCK_REDUCING_STATUSES
from contracts.shop import OrderChanged, OrderLine, OrderUnreadable
from services.accounting.documents.translations import same_sku

STOCK_KEEPING_STATUSES = (CORE_STATUSES | {"draft"}) - STOCK_REDUCING_STATUSES
ZERO = Decimal(0)


class OrderedPieces(Part):
    """The pieces that an order asks for of one product or variation; `product` is 0 where the line names none."""

    product: int
    sku: str = ""
    quantity: Quantity

    @property
    def name(self) -> str:
        """What tells it from the order's other products; empty where nothing does."""
        if self.product:
            return str(self.product)
        return f"sku:{same_sku(self.sku)}" if same_sku(self.sku) else ""


PiecesByProduct = dict[str, OrderedPieces]


@dataclass(frozen=True, slots=True)
class OrderSnapshot:
    """An order as the shop shows it, in an event or in a list.

    `read` is False for a list; `whole` is False where lines may be missing that cannot be read.
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
    """What an order asks for, and since when the shop has accepted it.

    `read`: its state comes from the topics; False where it was only seen in the shop's list so far.
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
        """The pieces that the shop has taken off its stock for this order."""
        return self.asked if self.accepted_at else {}


def snapshot_of_event(event: OrderChanged) -> OrderSnapshot:
    """An order as store-feed states it."""
    return OrderSnapshot(
        shop=event.shop,
        order_id=event.order_id,
        number=event.number,
        status=event.status,
        asked=sum_pieces(map(_asked, filter(_takes_stock, event.lines))),
        refund_ids=tuple(sorted(event.refund_ids)),
        parent_id=event.parent_id,
        created_via=event.created_via,
        paid_at=event.paid_at,
        completed_at=event.completed_at,
        modified_at=event.modified_at,
    )


def _takes_stock(line: OrderLine) -> bool:
    """A line with a negative amount is a discount or a return: no goods leave for it."""
    return line.kind == "product" and line.total >= 0 and line.subtotal >= 0


def _asked(line: OrderLine) -> OrderedPieces:
    return OrderedPieces(product=line.variation_id or line.product_id, sku=line.sku, quantity=line.quantity)


def sum_pieces(lines: Iterable[OrderedPieces]) -> PiecesByProduct:
    """The pieces of each product; a line that names nothing, or asks for nothing, is left out."""
    found: PiecesByProduct = {}
    for line in lines:
        if line.name and line.quantity > 0:
            before = found.get(line.name)
            more = line.quantity + (before.quantity if before else ZERO)
            found[line.name] = (before or line).model_copy(update={"quantity": more})
    return found


def update_order(shown: OrderSnapshot, before: ShopOrder | None, observed_at: datetime | None = None) -> ShopOrder:
    """The order as it now holds stock, knowing how it stood before; `observed_at` where the shop tells no time.

    Where lines may be missing, the larger of both quantities of each product counts.
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
    """The order as it holds stock while it cannot be read: never less than before, unless its status gives it back."""
    lines = [
        OrderedPieces(product=one.variation_id or one.product_id, sku=one.sku, quantity=one.quantity)
        for one in event.lines
    ]
    shown = OrderSnapshot(
        shop=event.shop,
        order_id=event.order_id,
        number=event.number or (before.number if before else str(event.order_id)),
        status=event.status or (before.status if before else ""),
        asked=sum_pieces(lines),
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
    """The acceptance that was seen first counts; of an order seen for the first time the earliest known moment."""
    if not _accepted(shown.status, shown.paid_at, before):
        return None
    if before is None:
        known = (shown.paid_at, shown.completed_at, shown.modified_at)
        return min((when for when in known if when), default=observed_at)
    return before.accepted_at or shown.modified_at or observed_at


def _accepted(status: str, paid_at: datetime | None, before: ShopOrder | None) -> bool:
    """An order whose status nobody can read holds: rather too little for sale than one piece twice."""
    if status in STOCK_REDUCING_STATUSES or status in STOCK_KEEPING_STATUSES:
        return status in STOCK_REDUCING_STATUSES
    if before is not None:
        return before.accepted_at is not None
    return not status or paid_at is not None


def find_moved_pieces(before: ShopOrder | None, after: ShopOrder | None) -> list[OrderedPieces]:
    """The products whose stock the shop itself may have moved between two states of an order.

    A refund may have put pieces back (API fact: restock is the default), so a change of the refunds counts as a move.
    So does an order that is already refunded when it is first seen: it took its pieces, and may have kept them off the
    shelf (API fact: a status set to `refunded` by hand restocks nothing).
    """
    held, holds = before.holding if before else {}, after.holding if after else {}
    if after and after.refund_ids != (before.refund_ids if before else ()):
        return list((after.asked | held | holds).values())
    return [one for name, one in (held | holds).items() if _pieces(held, name) != _pieces(holds, name)]


def _pieces(asked: Mapping[str, OrderedPieces], name: str) -> Decimal:
    return asked[name].quantity if name in asked else ZERO
