"""Today at a glance: orders by state, money in the shop and in the books, and what waits for a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.model.approvals import approvals
from services.console.model.dead_letters import dead_letters
from services.console.model.order_states import StateName
from services.console.model.rows import OrderRow, orders
from services.console.queries.orders import OrderOverview, summarize
from services.engine.clock import TBILISI
from services.engine.state.sql import as_amount

C = orders.c
NEEDS_PERSON: tuple[StateName, ...] = ("needs a person", "not readable", "to be approved", "booked by hand")
IN_BOOKS: tuple[StateName, ...] = ("in the books", "part of another order")
ENDED: tuple[StateName, ...] = ("nothing to credit", "given up", "removed")
WEEKS = 4
"""A typical day is the average of so many days of the same name before it."""
DAYS = 30
MOST_DIFFERENCES = 5


@dataclass(frozen=True, slots=True)
class MoneyToday:
    """The orders of the day in one currency: what the shop keeps, and what the books hold of them."""

    currency: str
    shop: Decimal
    books: Decimal


@dataclass(frozen=True, slots=True)
class Today:
    """The orders placed on a day of Tbilisi. `by_hour`: how many in each of its hours. `typical`: on such a day.

    `attention`: open dead letters by who resolves them, and documents that wait for the accountant. `differing`: some
    orders of the day that are in the books with another figure. `untouched`: of the orders of the last 30 days, those
    that needed no person; None without orders.
    """

    date: str
    orders: int
    states: Mapping[str, int]
    by_hour: tuple[int, ...]
    typical: float
    money: tuple[MoneyToday, ...]
    differing: tuple[OrderOverview, ...]
    attention: Mapping[str, int]
    approvals: int
    untouched: float | None

    @property
    def in_books(self) -> int:
        """Orders that are in the books."""
        return sum(self.states.get(state, 0) for state in IN_BOOKS)

    @property
    def held(self) -> int:
        """Orders on hold."""
        return self.states.get("held", 0)

    @property
    def need_person(self) -> int:
        """Orders that wait for a person."""
        return sum(self.states.get(state, 0) for state in NEEDS_PERSON)

    @property
    def ended(self) -> int:
        """Orders that get no document: cancelled or removed."""
        return sum(self.states.get(state, 0) for state in ENDED)

    @property
    def in_progress(self) -> int:
        """All others."""
        return self.orders - self.in_books - self.held - self.need_person - self.ended


async def read_today(connection: AsyncConnection, now: datetime, shop: str = "") -> Today:
    """Today of one shop, or of all."""
    start, end = day_of(now)
    placed = [C.placed_at >= start.timestamp(), C.placed_at < end.timestamp(), *_of_shop(C.shop, shop)]
    states, money = await _read_sums(connection, placed)
    times = list(await connection.scalars(select(C.placed_at).where(*placed)))
    return Today(
        date=start.date().isoformat(),
        orders=len(times),
        states=states,
        by_hour=_by_hour(times, start, end),
        typical=await _read_typical(connection, start, end, shop),
        money=money,
        differing=await _read_differing(connection, placed),
        attention=await _read_attention(connection, shop),
        approvals=await _count(connection, approvals.c.state == "waiting", *_of_shop(approvals.c.shop, shop)),
        untouched=await _read_untouched(connection, now, shop),
    )


def day_of(now: datetime) -> tuple[datetime, datetime]:
    """The start of the day in Tbilisi, and of the next one."""
    date = now.astimezone(TBILISI).date()
    start = datetime.combine(date, time(), TBILISI)
    return start, datetime.combine(date + timedelta(days=1), time(), TBILISI)


def _of_shop(column: ColumnElement[str], shop: str) -> list[ColumnElement[bool]]:
    return [column == shop] if shop else []


async def _read_sums(
    connection: AsyncConnection, placed: list[ColumnElement[bool]]
) -> tuple[dict[str, int], tuple[MoneyToday, ...]]:
    in_books = func.coalesce(C.booked, 0) - C.credited
    query = select(C.state, C.currency, func.count(), func.sum(C.shop_total), func.sum(in_books)).where(*placed)
    states: Counter[str] = Counter()
    sums: dict[str, tuple[Decimal, Decimal]] = {}
    for state, currency, count, shop_total, books in await connection.execute(query.group_by(C.state, C.currency)):
        states[state] += count
        before = sums.get(currency, (Decimal(0), Decimal(0)))
        sums[currency] = (before[0] + as_amount(shop_total), before[1] + as_amount(books))
    return dict(states), tuple(MoneyToday(name, *found) for name, found in sorted(sums.items()) if name)


def _by_hour(times: list[float], start: datetime, end: datetime) -> tuple[int, ...]:
    hours = round((end - start).total_seconds() / 3600)
    counts = Counter(int((at - start.timestamp()) // 3600) for at in times)
    return tuple(counts[hour] for hour in range(hours))


async def _read_typical(connection: AsyncConnection, start: datetime, end: datetime, shop: str) -> float:
    shifts = [timedelta(weeks=week).total_seconds() for week in range(1, WEEKS + 1)]
    counts = [
        await _count(
            connection,
            C.placed_at >= start.timestamp() - shift,
            C.placed_at < end.timestamp() - shift,
            *_of_shop(C.shop, shop),
        )
        for shift in shifts
    ]
    return sum(counts) / WEEKS


async def _count(connection: AsyncConnection, *conditions: ColumnElement[bool]) -> int:
    return await connection.scalar(select(func.count()).where(*conditions)) or 0


async def _read_differing(connection: AsyncConnection, placed: list[ColumnElement[bool]]) -> tuple[OrderOverview, ...]:
    differs = C.booked.is_not(None) & C.matches.is_(False)
    query = select(C.body).where(*placed, differs).order_by(C.placed_at, C.key).limit(MOST_DIFFERENCES)
    bodies = await connection.scalars(query)
    return tuple(summarize(OrderRow.model_validate_json(body), people=False) for body in bodies)


async def _read_attention(connection: AsyncConnection, shop: str) -> dict[str, int]:
    query = select(dead_letters.c.owner, func.count()).where(
        dead_letters.c.state == "open", *_of_shop(dead_letters.c.shop, shop)
    )
    rows = await connection.execute(query.group_by(dead_letters.c.owner).order_by(dead_letters.c.owner))
    return {row[0]: row[1] for row in rows}


async def _read_untouched(connection: AsyncConnection, now: datetime, shop: str) -> float | None:
    since = (now - timedelta(days=DAYS)).timestamp()
    free = func.sum(case((C.touched.is_(False), 1), else_=0))
    query = select(func.count(), free).where(C.placed_at >= since, C.placed_at < now.timestamp())
    count, untouched = (await connection.execute(query.where(*_of_shop(C.shop, shop)))).one()
    return untouched / count if count else None
