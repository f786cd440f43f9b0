"""Days of a shop: which are closed, and the comparison of one with the books (claim K32)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.closing import DayClosed
from services.console.model import facts
from services.console.model.days.close import close_day
from services.console.model.days.entries import DayEntry, build_entries
from services.console.model.dead_letters import DEAD_LETTERS, DeadLetterRow, dead_letters
from services.console.model.history import OrderHistory
from services.console.model.order_days import ACCEPTED, ClosedDayRow, closed_days, day_ref, order_days
from services.console.model.orders import read_history
from services.console.model.rows import EPOCH, documents
from services.engine.state.records import MemoryState
from services.engine.state.sql import in_names
from services.engine.state.tables import records
from services.settings.shop import ShopSettings

R = records.c
_FACTS = {kind.name: kind for kind in facts.OF_HISTORY}


@dataclass(frozen=True, slots=True)
class DaySummary:
    """A day in a calendar: its last close, or None while it is open; and how many orders belong to it."""

    date: str
    orders: int
    close: DayClosed | None


@dataclass(frozen=True, slots=True)
class DayDetail:
    """A day as the topics know it now. `now` compares both sides; the shop was not asked, so that it is never green.

    `signed`: the last close. `changed`: something has changed since then.
    """

    now: DayClosed
    signed: DayClosed | None
    entries: tuple[DayEntry, ...]

    @property
    def open_differences(self) -> int:
        """Differences that nobody has accepted."""
        return sum(one.accepted is None for one in self.now.differences)

    @property
    def changed(self) -> bool:
        """Whether the totals are not those that were signed."""
        signed = self.signed
        return signed is not None and (signed.totals, signed.vat) != (self.now.totals, self.now.vat)


async def list_days(connection: AsyncConnection, shop: str, first: str, last: str) -> list[DaySummary]:
    """The days of a shop from `first` to `last` (`YYYY-MM-DD`) that have orders or were closed, oldest first."""
    dates = order_days.c.date.between(first, last)
    found = await connection.execute(
        select(order_days.c.date, order_days.c.ref).where(order_days.c.shop == shop, dates).distinct()
    )
    counts: defaultdict[str, int] = defaultdict(int)
    for date, _ in found:
        counts[date] += 1
    closes = await _read_closes(connection, shop, first, last)
    return [DaySummary(date, counts.get(date, 0), closes.get(date)) for date in sorted(counts.keys() | closes.keys())]


async def _read_closes(connection: AsyncConnection, shop: str, first: str, last: str) -> dict[str, DayClosed]:
    C = closed_days.c
    bodies = await connection.scalars(select(C.body).where(C.shop == shop, C.date.between(first, last)))
    rows = [ClosedDayRow.model_validate_json(body) for body in bodies]
    return {row.date: row.close for row in rows}


async def read_day(connection: AsyncConnection, shop: str, date: str, rules: ShopSettings, now: datetime) -> DayDetail:
    """A day of a shop compared with the books, by what the topics say now."""
    histories = await read_histories(connection, await _orders_of(connection, shop, date))
    receipts = None if rules.flows.payments == "off" else rules.payments
    entries = build_entries(histories, rules.orders, date, receipts)
    query = select(records.c.body).where(records.c.kind == ACCEPTED.name, records.c.ref == day_ref(shop, date))
    accepted = [ACCEPTED.model.model_validate_json(body) for body in await connection.scalars(query)]
    close = close_day(
        (shop, date), entries, rules, "", now, asked=None, accepted={event.key: event for event in accepted}
    )
    return DayDetail(close, (await _read_closes(connection, shop, date, date)).get(date), tuple(entries))


async def _orders_of(connection: AsyncConnection, shop: str, date: str) -> list[str]:
    """The orders that have something on this day, in the shop or in the books."""
    by_shop = select(order_days.c.ref).where(order_days.c.date == date, order_days.c.shop == shop)
    booked = select(documents.c.ref).where(
        documents.c.date == date, documents.c.shop == shop, documents.c.state == "recorded"
    )
    return sorted(set(await connection.scalars(by_shop.union(booked))))


async def read_histories(connection: AsyncConnection, keys: Iterable[str]) -> dict[str, OrderHistory]:
    """The facts of these orders (`shop:id`), folded as the rules of the console fold them."""
    names = list(keys)
    state = MemoryState(EPOCH)
    for mine in (in_names(R.ref, "names"), in_names(R.key, "names")):
        await _load_facts(connection, state, mine, names)
    payments = [key for key in names for key in state.find(facts.PAYMENT, key)]
    await _load_facts(connection, state, (R.kind == facts.REFUSED.name) & in_names(R.key, "names"), payments)
    failed = select(dead_letters).where(in_names(dead_letters.c.ref, "names"))
    for row in await connection.execute(failed, {"names": names}):
        state.put(DEAD_LETTERS, row.key, DeadLetterRow.model_validate_json(row.body), ref=row.ref)
    return {key: read_history(key, state.find(DEAD_LETTERS, key), state) for key in names}


async def _load_facts(
    connection: AsyncConnection, state: MemoryState, mine: ColumnElement[bool], names: list[str]
) -> None:
    query = select(R.kind, R.key, R.ref, R.body).where(R.kind.in_(_FACTS), mine)
    for kind, key, ref, body in await connection.execute(query, {"names": names}):
        state.put(_FACTS[kind], key, _FACTS[kind].model.model_validate_json(body), ref=ref)
