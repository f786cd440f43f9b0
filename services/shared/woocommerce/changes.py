"""What changed since a cursor, without a gap, although records move within the list while it is read.

Pages of a list sorted by change time lose records: whatever is saved meanwhile moves to the end and everything behind
it moves up. So each request starts at the change time of the last record read, that one excluded; only more records of
one second than a page holds are paged. Caches are bypassed: a list that a cache repeats would say that nothing changed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from contracts.reasons import Reason
from services.shared.woocommerce import php
from services.shared.woocommerce.api import Api
from services.shared.woocommerce.cursor import ONE_SECOND, Cursor
from services.shared.woocommerce.pages import Params, Skip, Skipped, Window, log_skipped, rows
from services.shared.woocommerce.read import Answered, Moment, ReadError, Whole, reading
from services.shared.woocommerce.times import gmt_text


class _Stamp(Answered):
    id: Whole
    date_modified_gmt: Moment


@dataclass(slots=True)
class _Position:
    """How far changes were read: a moment, and the records of that moment that were given already."""

    since: datetime
    given: set[int] = field(default_factory=set)

    def takes(self, stamp: _Stamp) -> bool:
        """Whether this record was not given yet; moves on to its moment."""
        if stamp.date_modified_gmt > self.since:
            self.since, self.given = stamp.date_modified_gmt, set()
        new = stamp.id not in self.given
        self.given.add(stamp.id)
        return new


async def changes(
    api: Api, route: str, cursor: Cursor, *, skip: Skip = log_skipped, **params: str | int
) -> AsyncIterator[dict[str, Any]]:
    """The records modified since the cursor, oldest change first; one that changes meanwhile may come twice.

    A record on which the shop fails, or that does not say when it was changed, is told to `skip`.
    """
    position, ended = _Position(cursor.start), False
    excluded: list[int] = []
    while not ended:
        begun, given, pages = position.since, set(position.given), 0
        oldest_first = {**params, **_from(begun), "orderby": "modified", "order": "asc"}
        window = Window(api, route, oldest_first, fresh=True, skip=skip, excluded=excluded, known=given.copy())
        while position.since == begun and not window.ended:
            pages += 1
            for stamp, row in _stamped(api.shop, route, await window.next(), skip):
                given.add(stamp.id)
                if position.takes(stamp):
                    yield row
        if pages > 1:
            span = {**params, **_from(begun), "modified_before": gmt_text(position.since + ONE_SECOND)}
            async for row in _missed(api, route, span, given, excluded):
                yield row
        ended = window.ended


async def _missed(
    api: Api, route: str, span: Params, given: set[int], excluded: list[int]
) -> AsyncIterator[dict[str, Any]]:
    """Records of a span of several pages that slid past: one that was saved meanwhile left its place to the next."""
    by_id, new = {**span, "orderby": "id", "order": "asc"}, True
    while new:
        new = False
        async for row in rows(api, route, by_id, fresh=True, excluded=excluded):
            if (id_ := php.whole(row.get("id"))) is not None and id_ not in given:
                new = True
                given.add(id_)
                yield row


def _from(moment: datetime) -> dict[str, str | int]:
    """From this moment on: `modified_after` leaves the moment itself out."""
    return {"modified_after": gmt_text(moment - ONE_SECOND), "dates_are_gmt": "true"}


def _stamped(
    shop: str, route: str, page: Iterable[dict[str, Any]], skip: Skip
) -> Iterator[tuple[_Stamp, dict[str, Any]]]:
    """The rows with their stamps; one without is told to `skip`."""
    for index, row in enumerate(page, start=1):
        try:
            yield _stamp(shop, route, row), row
        except ReadError as error:
            skip(Skipped(shop, route, php.whole(row.get("id")), index, error.message))


def _stamp(shop: str, route: str, row: dict[str, Any]) -> _Stamp:
    with reading(f"{shop}: {route}: record {row.get('id')}", Reason.SHOP_BAD_ANSWER):
        return _Stamp.model_validate(row)
