"""Rows of the query database about orders: what lists filter and sort by, and what a page shows first.

Personal data is only in fields named `person`, next to the `person_ref`: forgetting a person takes it out of the rows
and of the columns that are derived from it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, MetaData, String

from contracts.ledger import Attempt
from contracts.model import Instant, Part
from services.console.model.message import StoredMessage
from services.console.model.order_states import ItemState, StateName
from services.engine.state.records import Kind
from services.engine.state.tables import record_table

metadata = MetaData()
EPOCH = datetime.fromtimestamp(0, UTC)


class Buyer(Part):
    """How the buyer of an order is named and reached."""

    name: str = ""
    phone: str = ""
    email: str = ""


class OrderRow(Part):
    """An order as lists show it. `total` is None where the shop's answer was never readable.

    `shop_total` is what the shop keeps: the total less refunds, 0 for a void order. `booked` and `credited`: the Sale,
    and its credit notes. `words`: what else finds the order: SKUs, document numbers, references of payments.
    """

    shop: str
    order_id: int
    number: str
    status: str
    currency: str = ""
    total: Decimal | None = None
    shop_total: Decimal | None = None
    payment_method: str = ""
    customer_id: int = 0
    created_at: Instant | None = None
    paid_at: Instant | None = None
    item_state: ItemState
    booked: Decimal | None = None
    credited: Decimal = Decimal(0)
    open_dead_letters: int = 0
    touched: bool = False
    """Whether it ever needed a person: a dead letter, an approval, an export by hand."""
    words: str = ""
    person_ref: str = ""
    person: Buyer | None = None

    @property
    def state(self) -> StateName:
        """Its state."""
        return self.item_state.state

    @property
    def placed_at(self) -> datetime:
        """When it was placed; the epoch where that is unknown, so that it is last."""
        return self.created_at or EPOCH

    @property
    def matches(self) -> bool:
        """Whether the books agree with the shop."""
        return self.booked is not None and self.booked - self.credited == self.shop_total

    @property
    def buyer(self) -> str:
        """The buyer's name as it is searched."""
        return self.person.name.casefold() if self.person else ""

    @property
    def phone(self) -> str:
        """The digits of the buyer's phone number."""
        return "".join(filter(str.isdecimal, self.person.phone)) if self.person else ""

    @property
    def email(self) -> str:
        """The buyer's e-mail address as it is searched."""
        return self.person.email.casefold() if self.person else ""


orders = record_table(
    "orders",
    metadata,
    Column("shop", String, nullable=False),
    Column("order_id", BigInteger, nullable=False),
    Column("number", String, nullable=False, index=True),
    Column("status", String, nullable=False),
    Column("state", String, nullable=False),
    Column("currency", String, nullable=False),
    Column("total", BigInteger, index=True),
    Column("shop_total", BigInteger),
    Column("booked", BigInteger),
    Column("credited", BigInteger, nullable=False),
    Column("matches", Boolean, nullable=False),
    Column("payment_method", String, nullable=False),
    Column("placed_at", Float, nullable=False),
    Column("open_dead_letters", Integer, nullable=False),
    Column("touched", Boolean, nullable=False),
    Column("words", String, nullable=False),
    Column("buyer", String, nullable=False),
    Column("phone", String, nullable=False, index=True),
    Column("email", String, nullable=False, index=True),
    Index("orders_by_time", "placed_at", "key"),
    Index("orders_by_state", "state", "placed_at", "key"),
    Index("orders_by_touch", "placed_at", "touched"),
    Index("orders_by_status", "status", "placed_at", "key"),
)
ORDERS = Kind("order-row", OrderRow, orders)
"""By order; the reference is the buyer's `person_ref`."""


class RefundRow(Part):
    """A refund of an order, and the state of its credit note."""

    shop: str
    order_id: int
    refund_id: int
    amount: Decimal | None = None
    currency: str = ""
    created_at: Instant | None = None
    item_state: ItemState

    @property
    def state(self) -> StateName:
        """Its state."""
        return self.item_state.state


refunds = record_table(
    "refunds",
    metadata,
    Column("shop", String, nullable=False),
    Column("refund_id", BigInteger, nullable=False),
    Column("state", String, nullable=False, index=True),
    Column("currency", String, nullable=False),
    Column("amount", BigInteger),
    Column("created_at", Float, index=True),
)
REFUNDS = Kind("refund-row", RefundRow, refunds)
"""By refund; the reference is the order."""

DocumentKind = Literal["sale", "credit-note", "receipt", "sales-order", "return"]
DocumentState = Literal["recorded", "planned", "ended"]


class DocumentRow(Part):
    """A document of an order in Balance, or the plan of one. Its lines are in the fact that `fact` names.

    `number`: of a recorded one, as Balance shows it. `part`: the refund, payment or return request it belongs to.
    """

    shop: str
    order_id: int
    document: DocumentKind
    state: DocumentState
    uid: str = ""
    number: str = ""
    part: str = ""
    date: str
    total: Decimal
    vat: Decimal = Decimal(0)
    currency: str
    how: str = ""
    posted: bool = True
    differences: tuple[str, ...] = ()
    at: Instant
    fact: tuple[str, str]


documents = record_table(
    "documents",
    metadata,
    Column("shop", String, nullable=False),
    Column("order_id", BigInteger, nullable=False),
    Column("document", String, nullable=False),
    Column("state", String, nullable=False),
    Column("uid", String, nullable=False, index=True),
    Column("number", String, nullable=False, index=True),
    Column("date", String, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("currency", String, nullable=False),
    Column("at", Float, nullable=False),
    Index("documents_by_day", "date", "shop", "document"),
)
DOCUMENTS = Kind("document-row", DocumentRow, documents)
"""The reference is the order."""


class TimelineRow(Part):
    """One event of an order, dead letter, account or person, as people read it; never the whole event."""

    event: str
    type: str
    source: str
    at: Instant
    sequence: int
    message: StoredMessage
    attempts: tuple[Attempt, ...] = ()
    document: str = ""
    """The document that an approval is for; empty for a whole shape."""


timeline = record_table(
    "timeline",
    metadata,
    Column("at", Float, nullable=False),
    Column("sequence", BigInteger, nullable=False),
)
TIMELINE = Kind("timeline", TimelineRow, timeline)
"""By event; the reference says what it is about (see `timeline.py`)."""
