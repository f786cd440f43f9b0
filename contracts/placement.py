"""From which warehouse the goods of an order leave, and that Balance could not let them go yet."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from contracts.delivery_ids import order_key
from contracts.ledger import Attempt
from contracts.model import Event, Instant, Part, Quantity, ShopId, Uid, Whole


class Pieces(Part):
    """So many pieces of an item, in its base unit; `warehouse` only where it is not the whole's own."""

    item: Uid
    quantity: Quantity
    warehouse: Uid | None = None


class LinePlace(Part):
    """A line of an order that leaves a warehouse of its own."""

    line_id: Whole
    warehouse: Uid


class _PlacementEvent(Event):
    TOPIC: ClassVar[str] = "ledger.documents"
    DOCUMENT: ClassVar[str]
    shop: ShopId
    order_id: Whole = Field(gt=0)
    warehouse: Uid
    pieces: tuple[Pieces, ...]
    content_digest: str

    @property
    def key(self) -> str:
        return order_key(self.shop, self.order_id)

    @property
    def subject(self) -> str:
        return f"{self.key}:{self.DOCUMENT}"


class WarehouseChosen(_PlacementEvent):
    """The warehouse that an order's goods leave, chosen among several by what lies there; `why` says it in words.

    `pieces` are what the order takes there. The choice holds for this content of the order. Where no warehouse holds
    everything and the shop may split, `lines` say which line leaves where; the rest leaves the first, `warehouse`.
    """

    TYPE: ClassVar[str] = "davtari.WarehouseChosen.v1"
    DOCUMENT: ClassVar[str] = "warehouse"
    why: str
    lines: tuple[LinePlace, ...] = ()
    chosen_at: Instant


class SalePostponed(_PlacementEvent):
    """Balance refused to post a Sale because the warehouse lacks the goods: it is tried again after a receipt.

    `unposted`: meanwhile the Sale is in Balance without being posted.
    """

    TYPE: ClassVar[str] = "davtari.SalePostponed.v1"
    DOCUMENT: ClassVar[str] = "sale-postponed"
    sale: Uid
    detail: str
    unposted: bool = False
    postponed_at: Instant
    attempts: tuple[Attempt, ...] = ()
