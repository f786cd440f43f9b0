"""Lists page by page, in pages that the shop can answer; a record on which it fails is left out and named.

Hosts cut off lists of 100 that take too long, and one record on which a plugin crashes fails every page that holds it.
So a page that fails inside the shop is read again in smaller ones, down to one record. A position in the list is the
beginning of a page of every size that divides it: nothing is read twice, and nothing is missed.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from contracts.reasons import Reason
from services.connectors.woocommerce import php
from services.connectors.woocommerce.api import Api, Page
from services.connectors.woocommerce.diagnosis import fix_of
from services.connectors.woocommerce.pace import SIZES
from services.engine.outbox.upstream_errors import ReadFailed

log = logging.getLogger(__name__)
PER_PAGE = SIZES[0]
NEIGHBOURS = 3
"""When a list begins with records that fail, so many of them tell that it is the shop that fails."""
MOST_EXCLUDED = 50
"""So many ids are named in an address; after that, positions are counted on."""
Params = Mapping[str, str | int]
NO_MORE: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Skipped:
    """A record that was left out of a list. `id` is None when not even that can be read; positions count from 1."""

    shop: str
    route: str
    id: int | None
    position: int
    why: str

    def __str__(self) -> str:
        named = f"record {self.id}" if self.id is not None else f"the record at position {self.position}"
        return f"shop {self.shop}: {self.route}: {named} was left out: {self.why}"


Skip = Callable[[Skipped], None]
"""Is told of each record that was left out."""


def log_skipped(skipped: Skipped) -> None:
    """Say in the log what was left out, and what ends that."""
    fix = fix_of(Reason.SHOP_RECORD_UNREADABLE, skipped.shop)
    log.warning("a record of a list was left out", extra={"shop": skipped.shop, "why": str(skipped), "fix": fix})


async def rows(
    api: Api,
    route: str,
    params: Params,
    *,
    fresh: bool = False,
    skip: Skip = log_skipped,
    excluded: Iterable[int] = (),
) -> AsyncIterator[dict[str, Any]]:
    """Every row of a list but the `excluded`, in the list's order. For lists that hardly change while they are read."""
    window = Window(api, route, params, fresh=fresh, skip=skip, excluded=[*excluded])
    while not window.ended:
        for row in await window.next():
            yield row


@dataclass(slots=True)
class Window:
    """A list under fixed parameters, read from its beginning. `excluded` are records on which the shop fails.

    Those that are `known` need not come again, but may. `good` is a record that the shop has answered.
    """

    api: Api
    route: str
    params: Params
    fresh: bool = False
    skip: Skip = log_skipped
    excluded: list[int] = field(default_factory=list)
    known: Collection[int] = ()
    position: int = 0
    ended: bool = False
    good: int | None = None

    def __post_init__(self) -> None:
        self.good = next(iter(self.known), None)

    async def next(self) -> list[dict[str, Any]]:
        """The rows of the next page; with the last one the window has `ended`. Raises `UpstreamError`.

        Raises `ReadFailed` only when the shop fails on whatever it is asked, and not on this or that record.
        """
        pace = self.api.pace(self.route)
        before = replace(pace)
        while True:
            size = pace.size_at(self.position)
            try:
                page = await self._page(self.position, size)
            except ReadFailed as error:
                pace.failed(size)
                if size > 1:
                    continue
                if not await self._answers_for_others():
                    self.api.set_pace(self.route, before)
                    raise error
                await self._leave_out()
            else:
                return self._taken(page, size)

    def _taken(self, page: Page, size: int) -> list[dict[str, Any]]:
        for index in page.odd:
            self._skipped(None, index, "what the shop answers in its place is no record")
        self.good = next((id_ for row in page.rows if (id_ := php.whole(row.get("id"))) is not None), self.good)
        found, number = len(page.rows) + len(page.odd), self.position // size + 1
        if found == size:
            self.api.pace(self.route).went_well()
        self.ended = found < size if page.total_pages is None else not found or number >= page.total_pages
        self.position += size
        return page.rows

    async def _leave_out(self) -> None:
        """Leave out the record at the position, if the shop fails on it once more."""
        try:
            await self._page(self.position, 1)
        except ReadFailed as error:
            id_ = await self._id()
            self._skipped(id_, 0, error.message)
            self.api.pace(self.route).blame_record()
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
                if (await self._page(position, 1, more)).rows:
                    return True
            except ReadFailed:
                failed = True
        return not failed and await self._id() is not None

    async def _id(self) -> int | None:
        """The id of the record at the position: often that can be read alone."""
        try:
            page = await self._page(self.position, 1, {"_fields": "id"})
        except ReadFailed:
            return None
        return php.whole(page.rows[0].get("id")) if page.rows else None

    def _skipped(self, id_: int | None, index: int, why: str) -> None:
        self.skip(Skipped(self.api.shop, self.route, id_, self.position + index + 1, why))

    async def _page(self, position: int, size: int, more: Mapping[str, str] = NO_MORE) -> Page:
        known = self.known if len(self.known) <= MOST_EXCLUDED else ()
        left = [id_ for id_ in (*self.excluded, *known) if str(id_) != more.get("include")]
        out = {"exclude": ",".join(map(str, left))} if left else {}
        page = {"per_page": size, "page": position // size + 1}
        return await self.api.page(self.route, {**self.params, **out, **more, **page}, fresh=self.fresh)
