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

from contracts.validation import shown
from services.connectors.woocommerce import php
from services.connectors.woocommerce.api import Api
from services.connectors.woocommerce.cursor import ONE_SECOND, Cursor
from services.connectors.woocommerce.pages import Params, Skip, Skipped, Window, log_skipped, rows
from services.connectors.woocommerce.times import gmt_text

Row = dict[str, Any]


@dataclass(slots=True)
class _Position:
    """How far changes were read: a moment, the records of that moment that were given already, and those given that do
    not say when they were changed."""

    since: datetime
    given: set[int] = field(default_factory=set)
    undated: set[int] = field(default_factory=set)

    def takes(self, id_: int, moment: datetime | None) -> bool:
        """Whether this record was not given yet; moves on to its moment, if it shows one."""
        if moment is not None and moment > self.since:
            self.since, self.given = moment, set()
        new = id_ not in self.given | self.undated
        (self.undated if moment is None else self.given).add(id_)
        return new


async def changes(
    api: Api, route: str, cursor: Cursor, *, skip: Skip = log_skipped, **params: str | int
) -> AsyncIterator[dict[str, Any]]:
    """The records modified since the cursor, oldest change first; one that changes meanwhile may come twice.

    A record on which the shop fails, or that has no id, is told to `skip`. One that does not say when it was changed is
    given: it stops neither the list nor the cursor.
    """
    position, ended = _Position(cursor.start), False
    excluded: list[int] = []
    while not ended:
        begun, given, pages = position.since, position.given | position.undated, 0
        oldest_first = {**params, **_from(begun), "orderby": "modified", "order": "asc"}
        window = Window(api, route, oldest_first, fresh=True, skip=skip, excluded=excluded, known=given.copy())
        while position.since == begun and not window.ended:
            pages += 1
            for id_, row in _identified(api.shop, route, await window.next(), skip):
                given.add(id_)
                if position.takes(id_, php.moment(row.get("date_modified_gmt"))):
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


def _identified(shop: str, route: str, page: Iterable[Row], skip: Skip) -> Iterator[tuple[int, Row]]:
    """The rows with their ids; one without is told to `skip`."""
    for index, row in enumerate(page, start=1):
        if (id_ := php.id_of(row)) is None:
            skip(Skipped(shop, route, None, index, f"its id is {shown(row.get('id'))}, which is not a whole number"))
        else:
            yield id_, row
