"""Pages of a list: each names the place where the next one begins, so that a page costs the same anywhere in a list."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import orjson
from sqlalchemy import ColumnElement, Select, tuple_

ItemT = TypeVar("ItemT")
LIMIT = 50
LARGEST_LIMIT = 500
_MOST = 400
"""Characters of a cursor; a longer one is not ours."""


class InvalidCursor(ValueError):
    """A cursor that no page has given."""


@dataclass(frozen=True, slots=True)
class ResultPage(Generic[ItemT]):
    """Some items of a list in its order. `next`: what to pass as `after` for the following page; None at the end."""

    items: tuple[ItemT, ...]
    next: str | None = None


def cursor_of(*values: float | str) -> str:
    """The place behind a row: the values of the columns that the list is sorted by."""
    return urlsafe_b64encode(orjson.dumps(values)).decode().rstrip("=")


def parse_cursor(cursor: str, *types: type) -> tuple[Any, ...]:
    """The values in a cursor. Raises `InvalidCursor`."""
    try:
        if len(cursor) > _MOST or not cursor.isascii():
            raise InvalidCursor("this is no cursor of a page")
        found = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (Base64Error, ValueError):
        raise InvalidCursor("this is no cursor of a page") from None
    fits = isinstance(found, list) and len(found) == len(types)
    if not fits or not all(_is_of(value, type_) for value, type_ in zip(found, types, strict=True)):
        raise InvalidCursor("this is the cursor of another list")
    return tuple(float(value) if type_ is float else value for value, type_ in zip(found, types, strict=True))


def _is_of(value: Any, type_: type) -> bool:
    return (
        isinstance(value, int | float) and not isinstance(value, bool) if type_ is float else isinstance(value, type_)
    )


def sort_newest_first(
    query: Select[Any], time: ColumnElement[Any], key: ColumnElement[Any], after: str | None, limit: int
) -> Select[Any]:
    """The query from the cursor on, newest first, with one row more than the page has. Raises `InvalidCursor`."""
    if after is not None:
        query = query.where(tuple_(time, key) < tuple_(*parse_cursor(after, float, str)))
    return query.order_by(time.desc(), key.desc()).limit(within_limit(limit) + 1)


def within_limit(limit: int) -> int:
    """The number of items of a page, between 1 and the largest."""
    return min(max(limit, 1), LARGEST_LIMIT)


def make_page(
    rows: Sequence[Any], limit: int, item_of: Callable[[Any], ItemT], cursor: Callable[[Any], str]
) -> ResultPage[ItemT]:
    """The page of these rows, of which one more was read than the page has."""
    shown = rows[: within_limit(limit)]
    return ResultPage(tuple(item_of(row) for row in shown), cursor(shown[-1]) if len(rows) > len(shown) else None)
