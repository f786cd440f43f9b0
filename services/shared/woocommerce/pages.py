"""Lists page by page: `X-WP-TotalPages` says how many; a page beyond the end is 200 and `[]`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from services.shared.woocommerce.api import Api, Page

PER_PAGE = 100
"""API fact: more is refused."""


async def rows(
    api: Api, route: str, params: Mapping[str, str | int], *, fresh: bool = False
) -> AsyncIterator[dict[str, Any]]:
    """Every row of a list, in the list's order. For lists that hardly change while they are read."""
    number, more = 1, True
    while more:
        page = await api.page(route, {**params, "per_page": PER_PAGE, "page": number}, fresh=fresh)
        for row in page.rows:
            yield row
        more, number = has_more(page, number), number + 1


def has_more(page: Page, number: int) -> bool:
    """Whether a page follows this one; without the header, a full page says so."""
    if page.total_pages is None:
        return len(page.rows) >= PER_PAGE
    return bool(page.rows) and number < page.total_pages
