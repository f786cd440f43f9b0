"""Records of a list that cannot be read: they are named and left out, the others are used (claim K29)."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from contracts.reasons import Reason

RecordT = TypeVar("RecordT")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record that cannot be read; `detail` names it, its field and what stands there."""

    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class Listing(Generic[RecordT]):
    """The records of a list, and those left out; while there are any, absence from `records` proves nothing."""

    records: tuple[RecordT, ...]
    unreadable: tuple[Unreadable, ...] = ()


async def readable(rows: AsyncIterable[RecordT | Unreadable], left_out: list[Unreadable]) -> AsyncIterator[RecordT]:
    """The records that can be read; the others are added to `left_out`."""
    async for row in rows:
        if isinstance(row, Unreadable):
            left_out.append(row)
        else:
            yield row


async def listed(rows: AsyncIterable[RecordT | Unreadable]) -> Listing[RecordT]:
    """A whole list in memory."""
    left_out: list[Unreadable] = []
    records = [row async for row in readable(rows, left_out)]
    return Listing(tuple(records), tuple(left_out))
