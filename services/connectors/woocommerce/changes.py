"""Reads what changed since a cursor, without gaps, although records move within the list while it is read.

Pages of a list sorted by change time lose records: a record saved meanwhile moves to the end, and everything behind it
moves up. So each request starts at the change time of the last record read and excludes that record; pages are only
used for more records of one second than fit on a page. Caches are bypassed, since a cached list would show no change.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from contracts.validation import shown
from services.connectors.woocommerce import php
from services.connectors.woocommerce.api import ShopApi
from services.connectors.woocommerce.pages import (
    ListWindow,
    OnSkipped,
    Params,
    SkippedRecord,
    log_skipped,
    read_rows,
)
from services.connectors.woocommerce.php import format_gmt

ONE_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far changes have been read, in UTC: up to `at`; reading starts `overlap` earlier.

    The overlap covers times of a whole second (WooCommerce fact 10), clocks that differ and changes saved late.
    """

    at: datetime
    overlap: timedelta = timedelta(seconds=120)

    @property
    def start(self) -> datetime:
        """The first moment to be read again."""
        return self.at - self.overlap

    def moved_to(self, modified: datetime) -> Cursor:
        """The cursor after a record with this change time was durably published; it never moves back."""
        return replace(self, at=max(self.at, modified))


Row = dict[str, Any]


@dataclass(slots=True)
class _Position:
    """How far changes were read: a moment, the records of that moment already returned, and those returned without a
    change time."""

    since: datetime
    returned: set[int] = field(default_factory=set)
    undated: set[int] = field(default_factory=set)

    def advance(self, id_: int, moment: datetime | None) -> bool:
        """Move on to the record's moment, if it has one. Returns whether the record was not returned yet."""
        if moment is not None and moment > self.since:
            self.since, self.returned = moment, set()
        new = id_ not in self.returned | self.undated
        (self.undated if moment is None else self.returned).add(id_)
        return new


async def read_changes(
    api: ShopApi, route: str, cursor: Cursor, *, skip: OnSkipped = log_skipped, **params: str | int
) -> AsyncIterator[dict[str, Any]]:
    """The records modified since the cursor, oldest change first; one that changes meanwhile may come twice.

    `skip` is called for a record on which the shop fails or that has no id. A record without a change time is returned:
    it stops neither the list nor the cursor.
    """
    position, ended = _Position(cursor.start), False
    excluded: list[int] = []
    while not ended:
        begun, seen, pages = position.since, position.returned | position.undated, 0
        oldest_first = {**params, **_modified_since(begun), "orderby": "modified", "order": "asc"}
        window = ListWindow(api, route, oldest_first, fresh=True, skip=skip, excluded=excluded, known=seen.copy())
        while position.since == begun and not window.ended:
            pages += 1
            for id_, row in _with_ids(api.shop, route, await window.read_next(), skip):
                seen.add(id_)
                if position.advance(id_, php.moment(row.get("date_modified_gmt"))):
                    yield row
        if pages > 1:
            span = {**params, **_modified_since(begun), "modified_before": format_gmt(position.since + ONE_SECOND)}
            async for row in _read_missed(api, route, span, seen, excluded):
                yield row
        ended = window.ended


async def _read_missed(
    api: ShopApi, route: str, span: Params, seen: set[int], excluded: list[int]
) -> AsyncIterator[dict[str, Any]]:
    """Records of a span of several pages that were missed because others were saved and left their place meanwhile."""
    by_id, new = {**span, "orderby": "id", "order": "asc"}, True
    while new:
        new = False
        async for row in read_rows(api, route, by_id, fresh=True, excluded=excluded):
            if (id_ := php.whole(row.get("id"))) is not None and id_ not in seen:
                new = True
                seen.add(id_)
                yield row


def _modified_since(moment: datetime) -> dict[str, str | int]:
    """Parameters for changes from this moment on: `modified_after` excludes the moment itself (WooCommerce fact 33)."""
    return {"modified_after": format_gmt(moment - ONE_SECOND), "dates_are_gmt": "true"}


def _with_ids(shop: str, route: str, page: Iterable[Row], skip: OnSkipped) -> Iterator[tuple[int, Row]]:
    """The rows with their ids; `skip` is called for one without."""
    for index, row in enumerate(page, start=1):
        if (id_ := php.id_of(row)) is None:
            skip(
                SkippedRecord(
                    shop, route, None, index, f"its id is {shown(row.get('id'))}, which is not a whole number"
                )
            )
        else:
            yield id_, row
