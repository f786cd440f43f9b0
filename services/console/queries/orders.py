"""Orders: a filtered page of them, and everything about one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.model.message import StoredMessage
from services.console.model.order_states import ItemState, StateName
from services.console.model.rows import Buyer, OrderRow, orders
from services.console.queries.masking import mask_buyer
from services.console.queries.page import LIMIT, ResultPage, cursor_of, make_page, sort_newest_first
from services.engine.state.sql import as_column

C = orders.c


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Which orders; what is left out does not limit.

    `text` finds a number, SKU, document number or payment reference, and with `people` also a name, phone or e-mail.
    `since` is included, `until` is not. `total` is exact.
    """

    shop: str = ""
    states: tuple[StateName, ...] = ()
    status: str = ""
    payment_method: str = ""
    text: str = ""
    people: bool = False
    since: datetime | None = None
    until: datetime | None = None
    total: Decimal | None = None
    differs: bool = False
    """Only orders that are in the books with another figure than in the shop."""
    has_dead_letter: bool = False
    person_ref: str = ""


@dataclass(frozen=True, slots=True)
class OrderOverview:
    """An order as a list shows it. `buyer` is masked unless the reader may see people; None if unknown or forgotten."""

    shop: str
    order_id: int
    number: str
    status: str
    currency: str
    total: Decimal | None
    shop_total: Decimal | None
    payment_method: str
    created_at: datetime | None
    paid_at: datetime | None
    state: StateName
    why: StoredMessage
    reason: str
    dead_letter: str
    held_until: datetime | None
    booked: Decimal | None
    credited: Decimal
    matches: bool
    open_dead_letters: int
    buyer: Buyer | None

    @property
    def key(self) -> str:
        """`shop:id`."""
        return f"{self.shop}:{self.order_id}"


async def search_orders(
    connection: AsyncConnection, wanted: OrderFilter, after: str | None = None, limit: int = LIMIT
) -> ResultPage[OrderOverview]:
    """A page of the orders that the filter matches, newest first. Raises `InvalidCursor`."""
    query = select(C.key, C.placed_at, C.body).where(*conditions(wanted))
    rows = (await connection.execute(sort_newest_first(query, C.placed_at, C.key, after, limit))).all()
    return make_page(
        rows,
        limit,
        lambda row: summarize(OrderRow.model_validate_json(row.body), people=wanted.people),
        lambda row: cursor_of(row.placed_at, row.key),
    )


def conditions(wanted: OrderFilter) -> Iterator[ColumnElement[bool]]:
    """The conditions of a filter."""
    texts = ((C.shop, wanted.shop), (C.status, wanted.status), (C.payment_method, wanted.payment_method))
    yield from (column == text for column, text in (*texts, (C.ref, wanted.person_ref)) if text)
    if wanted.states:
        yield C.state.in_(wanted.states)
    if wanted.since:
        yield C.placed_at >= wanted.since.timestamp()
    if wanted.until:
        yield C.placed_at < wanted.until.timestamp()
    if wanted.total is not None:
        yield C.total == as_column(wanted.total)
    if wanted.differs:
        yield C.booked.is_not(None) & C.matches.is_(False)
    if wanted.has_dead_letter:
        yield C.open_dead_letters > 0
    if text := wanted.text.strip():
        yield or_(*_text_conditions(text, people=wanted.people))


def _text_conditions(text: str, *, people: bool) -> Iterator[ColumnElement[bool]]:
    folded, digits = text.casefold(), "".join(filter(str.isdecimal, text))
    yield C.number == text.removeprefix("#")
    yield C.words.contains(folded, autoescape=True)
    if people:
        yield C.buyer.contains(folded, autoescape=True)
        yield C.email == folded
        if len(digits) >= 6:
            yield C.phone.endswith(digits, autoescape=True)


def summarize(row: OrderRow, *, people: bool) -> OrderOverview:
    """The summary of a row."""
    found: ItemState = row.item_state
    return OrderOverview(
        shop=row.shop,
        order_id=row.order_id,
        number=row.number,
        status=row.status,
        currency=row.currency,
        total=row.total,
        shop_total=row.shop_total,
        payment_method=row.payment_method,
        created_at=row.created_at,
        paid_at=row.paid_at,
        state=row.state,
        why=found.why,
        reason=found.reason,
        dead_letter=found.dead_letter,
        held_until=found.until,
        booked=row.booked,
        credited=row.credited,
        matches=row.matches,
        open_dead_letters=row.open_dead_letters,
        buyer=mask_buyer(row.person, people=people),
    )
