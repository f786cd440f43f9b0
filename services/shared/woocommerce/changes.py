"""What changed since a cursor, without a gap, although records move within the list while it is read.

Pages of a list sorted by change time lose records: whatever is saved meanwhile moves to the end and everything behind
it moves up. So each request starts at the change time of the last record read; only records that share one second
are paged.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from contracts.reasons import Reason
from services.shared.woocommerce.api import Api
from services.shared.woocommerce.cursor import ONE_SECOND, Cursor
from services.shared.woocommerce.pages import PER_PAGE, has_more
from services.shared.woocommerce.read import Answered, Moment, Whole, reading
from services.shared.woocommerce.times import gmt_text


class _Stamp(Answered):
    id: Whole
    date_modified_gmt: Moment


@dataclass(slots=True)
class _Position:
    """Where reading stands: a moment, a page within it, and the records of that moment already given."""

    since: datetime
    page: int = 1
    given: set[int] = field(default_factory=set)

    def params(self) -> dict[str, str | int]:
        after = gmt_text(self.since - ONE_SECOND)  # `modified_after` leaves the moment itself out
        window: dict[str, str | int] = {"modified_after": after, "dates_are_gmt": "true"}
        return {**window, "orderby": "modified", "order": "asc", "per_page": PER_PAGE, "page": self.page}

    def takes(self, stamp: _Stamp) -> bool:
        """Whether this record was not given yet; moves on to its moment."""
        if stamp.date_modified_gmt > self.since:
            self.since, self.page, self.given = stamp.date_modified_gmt, 0, set()
        new = stamp.id not in self.given
        self.given.add(stamp.id)
        return new


async def changes(
    api: Api, route: str, cursor: Cursor, *, fresh: bool = False, **params: str | int
) -> AsyncIterator[dict[str, Any]]:
    """The records modified since the cursor, oldest change first; one that changes meanwhile may come twice.

    `fresh` bypasses caches.
    """
    position, more = _Position(cursor.start), True
    while more:
        number = position.page
        page = await api.page(route, {**params, **position.params()}, fresh=fresh)
        for row in page.rows:
            if position.takes(_stamp(api.shop, route, row)):
                yield row
        more = has_more(page, number)
        position.page += 1


def _stamp(shop: str, route: str, row: dict[str, Any]) -> _Stamp:
    with reading(f"{shop}: {route}: record {row.get('id')}", Reason.SHOP_BAD_ANSWER):
        return _Stamp.model_validate(row)
