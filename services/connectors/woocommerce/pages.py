"""Reads lists page by page. Pages shrink until the shop can answer; a record on which it fails is named and skipped.

Hosts cut off lists of 100 records that take too long, and one record on which a plugin crashes fails every page that
contains it (WooCommerce fact 37). A page that fails inside the shop is therefore read again in smaller pages, down to
one record. Each page size divides the next larger one, so nothing is read twice and nothing is missed.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from contracts.reasons import Reason
from services.connectors.http.listing import UnreadableRecord
from services.connectors.woocommerce import php
from services.connectors.woocommerce.api import Page, ShopApi
from services.connectors.woocommerce.diagnosis import fix_of
from services.connectors.woocommerce.read import or_unreadable
from services.engine.outbox.upstream_errors import ReadFailed

log = logging.getLogger(__name__)
NEIGHBOURS = 3
"""When the first records of a list fail, this many of the next ones decide whether the whole shop fails."""
MOST_EXCLUDED = 50
"""At most this many ids are excluded in the URL; beyond that, failing records are passed by position."""
NO_MORE: Mapping[str, str] = {}
Params = Mapping[str, str | int]
Row = dict[str, Any]
RecordT = TypeVar("RecordT")
Read = Callable[[Row], RecordT]


@dataclass(frozen=True, slots=True)
class SkippedRecord:
    """A record that was left out of a list. `id` is None when not even that can be read; positions count from 1."""

    shop: str
    route: str
    id: int | None
    position: int
    why: str

    def __str__(self) -> str:
        record = f"record {self.id}" if self.id is not None else f"the record at position {self.position}"
        return f"shop {self.shop}: {self.route}: {record} was left out: {self.why}"


OnSkipped = Callable[[SkippedRecord], None]
"""Called for each record that was left out."""


def log_skipped(skipped: SkippedRecord) -> None:
    """Log which record was left out, and the fix."""
    fix = fix_of(Reason.SHOP_RECORD_UNREADABLE, skipped.shop)
    log.warning("a record of a list was left out", extra={"shop": skipped.shop, "why": str(skipped), "fix": fix})


async def read_rows(
    api: ShopApi,
    route: str,
    params: Params,
    *,
    fresh: bool = False,
    skip: OnSkipped = log_skipped,
    excluded: Iterable[int] = (),
) -> AsyncGenerator[Row, None]:
    """Every row of a list except `excluded`, in the list's order. For lists that hardly change while they are read."""
    window = ListWindow(api, route, params, fresh=fresh, skip=skip, excluded=[*excluded])
    while not window.ended:
        for row in await window.read_next():
            yield row


def read_records(
    api: ShopApi, route: str, params: Params, read: Read[RecordT]
) -> AsyncIterator[RecordT | UnreadableRecord]:
    """Every record of a list in its order; one that cannot be read is an `UnreadableRecord`."""
    return read_each(lambda skip: read_rows(api, route, params, skip=skip), read)


async def read_each(
    stream: Callable[[OnSkipped], AsyncIterator[Row]], read: Read[RecordT]
) -> AsyncIterator[RecordT | UnreadableRecord]:
    """The records of a stream of rows, with an `UnreadableRecord` for each one that the stream skipped."""
    skipped: list[SkippedRecord] = []
    async for row in stream(skipped.append):
        while skipped:
            yield _to_unreadable(skipped.pop(0))
        yield or_unreadable(lambda row=row: read(row))  # type: ignore[misc]
    for one in skipped:
        yield _to_unreadable(one)


def _to_unreadable(skipped: SkippedRecord) -> UnreadableRecord:
    return UnreadableRecord(Reason.SHOP_RECORD_UNREADABLE, str(skipped))


@dataclass(slots=True)
class ListWindow:
    """A list under fixed parameters, read from its beginning. `excluded` are records on which the shop fails.

    Records in `known` are excluded where the URL permits it, but may be returned. `good` is a record that the shop has
    answered before.
    """

    api: ShopApi
    route: str
    params: Params
    fresh: bool = False
    skip: OnSkipped = log_skipped
    excluded: list[int] = field(default_factory=list)
    known: Collection[int] = ()
    position: int = 0
    ended: bool = False
    good: int | None = None

    def __post_init__(self) -> None:
        self.good = next(iter(self.known), None)

    async def read_next(self) -> list[Row]:
        """The rows of the next page; after the last one the window has `ended`. Raises `UpstreamError`.

        Raises `ReadFailed` only when the shop fails on everything, not on single records.
        """
        page_size = self.api.page_size(self.route)
        before = replace(page_size)
        while True:
            size = page_size.at(self.position)
            try:
                page = await self._read_page(self.position, size)
            except ReadFailed as error:
                page_size.shrink(size)
                if size > 1:
                    continue
                if not await self._answers_for_others():
                    self.api.set_page_size(self.route, before)
                    raise error
                await self._leave_out()
            else:
                return self._accept(page, size)

    def _accept(self, page: Page, size: int) -> list[Row]:
        for index in page.odd:
            self._report(None, index, "the shop answers something that is not a record")
        self.good = next((id_ for row in page.rows if (id_ := php.whole(row.get("id"))) is not None), self.good)
        found, number = len(page.rows) + len(page.odd), self.position // size + 1
        if found == size:
            self.api.page_size(self.route).count_success()
        self.ended = found < size if page.total_pages is None else not found or number >= page.total_pages
        self.position += size
        return page.rows

    async def _leave_out(self) -> None:
        """Leave out the record at the position, if the shop fails on it again."""
        try:
            await self._read_page(self.position, 1)
        except ReadFailed as error:
            id_ = await self._read_id()
            self._report(id_, 0, error.message)
            self.api.page_size(self.route).reset_patience()
            if id_ is None or id_ in self.excluded or len(self.excluded) >= MOST_EXCLUDED:
                self.position += 1
            else:
                self.excluded.append(id_)

    async def _answers_for_others(self) -> bool:
        """Whether the shop answers a record that it answered before, else one of the next, else this one's id."""
        after = range(self.position + 1, self.position + 1 + NEIGHBOURS)
        asked = [(position, {}) for position in after] if self.good is None else [(0, {"include": str(self.good)})]
        failed = False
        for position, more in asked:
            try:
                if (await self._read_page(position, 1, more)).rows:
                    return True
            except ReadFailed:
                failed = True
        return not failed and await self._read_id() is not None

    async def _read_id(self) -> int | None:
        """The id of the record at the position, which the shop can often answer although the record fails."""
        try:
            page = await self._read_page(self.position, 1, {"_fields": "id"})
        except ReadFailed:
            return None
        return php.whole(page.rows[0].get("id")) if page.rows else None

    def _report(self, id_: int | None, index: int, why: str) -> None:
        self.skip(SkippedRecord(self.api.shop, self.route, id_, self.position + index + 1, why))

    async def _read_page(self, position: int, size: int, more: Mapping[str, str] = NO_MORE) -> Page:
        known = self.known if len(self.known) <= MOST_EXCLUDED else ()
        excluded = [id_ for id_ in (*self.excluded, *known) if str(id_) != more.get("include")]
        exclude = {"exclude": ",".join(map(str, excluded))} if excluded else {}
        page = {"per_page": size, "page": position // size + 1}
        return await self.api.page(self.route, {**self.params, **exclude, **more, **page}, fresh=self.fresh)
