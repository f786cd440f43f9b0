"""Reading page by page, where the settings say so (API fact: `Pack` is the page, from 1; `PackSize` its rows)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from itertools import count
from typing import Any

from services.connectors.balance.fields import reference
from services.connectors.balance.stream import Rows


async def all_pages(page: Callable[[int], Rows]) -> Rows:
    """The rows of all pages. It ends at the first empty page.

    A page that begins with the record that began an earlier one ends it too and is left out: that Balance ignores
    `Pack` and has given everything at once, or begins again. Short pages end nothing: Balance may cap the size.
    """
    begun: set[Any] = set()
    for number in count(1):
        empty = True
        async with aclosing(page(number)) as rows:
            async for row in rows:
                if empty and _mark(row) in begun:
                    return
                if empty:
                    begun.add(_mark(row))
                empty = False
                yield row
        if empty:
            return


def _mark(row: dict[str, Any]) -> str:
    """What tells a record from others: its uid, or all of it where rows have none (stock, prices)."""
    return reference(row, "uid") or repr(row)
