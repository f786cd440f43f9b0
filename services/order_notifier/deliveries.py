"""Writing notes and statuses into a shop: always read first, so that a kill or an unknown outcome is harmless."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from contracts.delivery_ids import order_key
from contracts.reasons import Reason
from services.connectors.woocommerce.notes import Note
from services.connectors.woocommerce.order import order_changed
from services.engine.outbox.lane import Deliver
from services.engine.outbox.outcome import Blocked, Done, Outcome, Refused
from services.engine.outbox.row import Row
from services.engine.outbox.upstream_errors import UpstreamError, outcome_of
from services.order_notifier.projection import awaited
from services.order_notifier.status import base_of
from services.order_notifier.tasks import NoteTask, StatusTask

Now = Callable[[], datetime]


class Shop(Protocol):
    """The part of a shop that notes and statuses are written through."""

    async def notes(self, order_id: int) -> list[Note]: ...

    async def write_note(self, order_id: int, text: str, *, customer: bool) -> Note: ...

    async def order(self, order_id: int) -> dict[str, Any] | None: ...

    async def set_status(self, order_id: int, status: str) -> dict[str, Any]: ...


def deliver_notes(shop: Shop, now: Now) -> Deliver:
    """The effect of the lane of notes."""
    return _each(lambda row: _note(NoteTask.model_validate(row.payload), row, shop, now))


def deliver_statuses(shop: Shop, now: Now) -> Deliver:
    """The effect of the lane of statuses."""
    return _each(lambda row: _status(StatusTask.model_validate(row.payload), row, shop, now))


def _each(effect: Callable[[Row], Awaitable[Outcome]]) -> Deliver:
    async def tried(row: Row) -> Outcome:
        try:
            return await effect(row)
        except UpstreamError as error:
            return outcome_of(error)

    async def deliver(rows: Sequence[Row]) -> Sequence[Outcome]:
        return await asyncio.gather(*(tried(row) for row in rows))

    return deliver


async def _note(task: NoteTask, row: Row, shop: Shop, now: Now) -> Outcome:
    """The note, unless one with its marker stands there, whoever wrote it when."""
    held = next((one for one in await shop.notes(task.order_id) if task.marker in one.note), None)
    if held is not None:
        return Done((task.written("found", held.id, now(), row.attempts),))
    echo = await shop.write_note(task.order_id, task.says, customer=task.customer)
    if task.marker not in echo.note or echo.customer_note != task.customer:
        return Refused(Reason.SHOP_ECHO_DIFFERS, _other_note(task, echo))
    return Done((task.written("written", echo.id, now(), row.attempts),))


def _other_note(task: NoteTask, echo: Note) -> str:
    kinds = {True: "for the customer", False: "private"}
    return (
        f"order {task.order_id} of shop {task.shop}: the note {echo.id} was meant as {kinds[task.customer]} with "
        f"{task.marker}, it stands there as {kinds[echo.customer_note]} with {echo.note[:120]!r}: does a plugin "
        "rewrite notes? It is not written a second time; look at the note in the shop"
    )


async def _status(task: StatusTask, row: Row, shop: Shop, now: Now) -> Outcome:
    """The status, if the order is still what it was decided on; read immediately before (claim K14)."""
    json = await shop.order(task.order_id)
    if json is not None and json.get("status") == task.status:
        return Done((task.written("found", now(), row.attempts),))
    if json is None or _base(task, json) != task.base:
        return Blocked(awaited(order_key(task.shop, task.order_id)), Reason.SHOP_ORDER_MOVED, _moved(task, json))
    echo = await shop.set_status(task.order_id, task.status)
    if echo.get("status") != task.status:
        return Refused(Reason.SHOP_ECHO_DIFFERS, _other_status(task, echo))
    return Done((task.written("written", now(), row.attempts),))


def _base(task: StatusTask, json: Mapping[str, Any]) -> str:
    return base_of(order_changed(task.shop, json))


def _moved(task: StatusTask, json: Mapping[str, Any] | None) -> str:
    found = "is gone" if json is None else f"is {json.get('status')!r} now, or other than it was"
    return (
        f"order {task.order_id} of shop {task.shop} was {task.was!r} when it was to become {task.status!r}, and {found}"
        ": nothing is written before it is read again"
    )


def _other_status(task: StatusTask, echo: Mapping[str, Any]) -> str:
    return (
        f"order {task.order_id} of shop {task.shop} was to become {task.status!r}, and is {echo.get('status')!r}: does "
        "a plugin decide about statuses? Set it by hand"
    )
