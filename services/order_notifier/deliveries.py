"""Writing notes and statuses to a shop, which is read first: repeating after a crash or unknown outcome is safe."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from contracts.delivery_ids import order_key
from contracts.reasons import Reason
from services.connectors.woocommerce.order import order_changed
from services.connectors.woocommerce.orders import Note
from services.engine.outbox.lane import Deliver, Row
from services.engine.outbox.outcome import Blocked, Done, Outcome, Refused
from services.engine.outbox.upstream_errors import UpstreamError, outcome_of
from services.order_notifier.projection import base_of, order_read_name
from services.order_notifier.tasks import NoteTask, StatusTask

Now = Callable[[], datetime]


class NoticeShop(Protocol):
    """The part of a shop's API that notes and statuses need."""

    async def notes(self, order_id: int) -> list[Note]: ...

    async def write_note(self, order_id: int, text: str, *, customer: bool) -> Note: ...

    async def order(self, order_id: int) -> dict[str, Any] | None: ...

    async def set_status(self, order_id: int, status: str) -> dict[str, Any]: ...


def deliver_notes(shop: NoticeShop, now: Now) -> Deliver:
    """The effect of the lane of notes."""
    return _deliver_each(lambda row: _write_note(NoteTask.model_validate(row.payload), row, shop, now))


def deliver_statuses(shop: NoticeShop, now: Now) -> Deliver:
    """The effect of the lane of statuses."""
    return _deliver_each(lambda row: _write_status(StatusTask.model_validate(row.payload), row, shop, now))


def _deliver_each(effect: Callable[[Row], Awaitable[Outcome]]) -> Deliver:
    async def attempt(row: Row) -> Outcome:
        try:
            return await effect(row)
        except UpstreamError as error:
            return outcome_of(error)

    async def deliver(rows: Sequence[Row]) -> Sequence[Outcome]:
        return await asyncio.gather(*(attempt(row) for row in rows))

    return deliver


async def _write_note(task: NoteTask, row: Row, shop: NoticeShop, now: Now) -> Outcome:
    """Write the note unless the order has one with its marker, whoever wrote it."""
    existing = next((note for note in await shop.notes(task.order_id) if task.marker in note.note), None)
    if existing is not None:
        return Done((task.written("found", existing.id, now(), row.attempts),))
    echo = await shop.write_note(task.order_id, task.says, customer=task.customer)
    if task.marker not in echo.note or echo.customer_note != task.customer:
        return Refused(Reason.SHOP_ECHO_DIFFERS, _changed_note(task, echo))
    return Done((task.written("written", echo.id, now(), row.attempts),))


def _changed_note(task: NoteTask, echo: Note) -> str:
    kinds = {True: "for the customer", False: "private"}
    return (
        f"order {task.order_id} of shop {task.shop}: note {echo.id} was written as {kinds[task.customer]} with the "
        f"marker {task.marker}, but the shop has it as {kinds[echo.customer_note]} with {echo.note[:120]!r}: does a "
        "plugin rewrite notes? It is not written again; check the note in the shop"
    )


async def _write_status(task: StatusTask, row: Row, shop: NoticeShop, now: Now) -> Outcome:
    """Write the status if the order is as it was at the decision; it is read immediately before (claim K14)."""
    json = await shop.order(task.order_id)
    if json is not None and json.get("status") == task.status:
        return Done((task.written("found", now(), row.attempts),))
    if json is None or _base(task, json) != task.base:
        name = order_read_name(order_key(task.shop, task.order_id))
        return Blocked(name, Reason.SHOP_ORDER_MOVED, _order_changed(task, json))
    echo = await shop.set_status(task.order_id, task.status)
    if echo.get("status") != task.status:
        return Refused(Reason.SHOP_ECHO_DIFFERS, _other_status(task, echo))
    return Done((task.written("written", now(), row.attempts),))


def _base(task: StatusTask, json: Mapping[str, Any]) -> str:
    return base_of(order_changed(task.shop, json))


def _order_changed(task: StatusTask, json: Mapping[str, Any] | None) -> str:
    now = "it was removed" if json is None else f"it has the status {json.get('status')!r} or other content"
    return (
        f"order {task.order_id} of shop {task.shop} was to change from {task.was!r} to {task.status!r}, but now {now}: "
        "nothing is written until it is read again"
    )


def _other_status(task: StatusTask, echo: Mapping[str, Any]) -> str:
    return (
        f"order {task.order_id} of shop {task.shop} was set to {task.status!r}, but the shop answers "
        f"{echo.get('status')!r}: does a plugin change statuses? Set it by hand"
    )
