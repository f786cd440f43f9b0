"""Lists whose records are read one by one: what cannot be read or answered is `Unreadable`, the others are used."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

from contracts.reasons import Reason
from services.connectors.http.unreadable import Unreadable
from services.connectors.woocommerce.api import Api
from services.connectors.woocommerce.pages import Params, Skip, Skipped, rows
from services.connectors.woocommerce.read import or_unreadable

Row = dict[str, Any]
Read = Callable[[Row], "RecordT"]
RecordT = TypeVar("RecordT")


def every(api: Api, route: str, params: Params, read: Read[RecordT]) -> AsyncIterator[RecordT | Unreadable]:
    """Every record of a list, in the list's order."""
    return read_each(lambda skip: rows(api, route, params, skip=skip), read)


async def read_each(
    stream: Callable[[Skip], AsyncIterator[Row]], read: Read[RecordT]
) -> AsyncIterator[RecordT | Unreadable]:
    """The records of a stream of rows that tells `skip` what it leaves out."""
    skipped: list[Skipped] = []
    async for row in stream(skipped.append):
        while skipped:
            yield _unreadable(skipped.pop(0))
        yield or_unreadable(lambda row=row: read(row))  # type: ignore[misc]
    for one in skipped:
        yield _unreadable(one)


def _unreadable(skipped: Skipped) -> Unreadable:
    return Unreadable(Reason.SHOP_RECORD_UNREADABLE, str(skipped))
