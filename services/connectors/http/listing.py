"""Lists with records that cannot be read: those are named and left out, the others are used (claim K29)."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from contracts.reasons import Reason

RecordT = TypeVar("RecordT")


@dataclass(frozen=True, slots=True)
class UnreadableRecord:
    """A record that cannot be read; `detail` names it, its field and the value found there."""

    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class Listing(Generic[RecordT]):
    """The records of a list, and those left out; while any are left out, absence from `records` proves nothing."""

    records: tuple[RecordT, ...]
    unreadable: tuple[UnreadableRecord, ...] = ()


async def skip_unreadable(
    rows: AsyncIterable[RecordT | UnreadableRecord], left_out: list[UnreadableRecord]
) -> AsyncIterator[RecordT]:
    """The records that can be read; the others are appended to `left_out`."""
    async for row in rows:
        if isinstance(row, UnreadableRecord):
            left_out.append(row)
        else:
            yield row


async def collect_listing(rows: AsyncIterable[RecordT | UnreadableRecord]) -> Listing[RecordT]:
    """The whole list in memory."""
    left_out: list[UnreadableRecord] = []
    records = [row async for row in skip_unreadable(rows, left_out)]
    return Listing(tuple(records), tuple(left_out))
