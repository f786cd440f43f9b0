"""Lists: paging with its headers, filters that several resources share, `_fields`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any
from urllib.parse import parse_qsl, urlencode

from services.sandbox.woocommerce import dates, schema
from services.sandbox.woocommerce.resource import Query, truthy
from services.sandbox.woocommerce.shop import Document

DATE_FILTERS = {
    "after": ("date_created", 1),
    "before": ("date_created", -1),
    "modified_after": ("date_modified", 1),
    "modified_before": ("date_modified", -1),
}


@dataclass(frozen=True)
class Page:
    """Which page of a list is asked for."""

    number: int
    size: int

    def of(self, documents: Sequence[Document]) -> Sequence[Document]:
        """The documents on this page; none beyond the last (API fact: recorded, 200 `[]`)."""
        start = (self.number - 1) * self.size
        return documents[start : start + self.size]

    def headers(self, total: int, url: str, query: str) -> dict[str, str]:
        """X-WP-Total, X-WP-TotalPages and the Link to the neighbours."""
        pages = ceil(total / self.size)
        neighbours = {"prev": min(self.number - 1, pages), "next": self.number + 1 if self.number < pages else 0}
        links = [f'<{url}?{with_page(query, page)}>; rel="{rel}"' for rel, page in neighbours.items() if page > 0]
        headers = {"X-WP-Total": str(total), "X-WP-TotalPages": str(pages)}
        return headers | ({"Link": ", ".join(links)} if links else {})


def page_of(query: Query) -> Page:
    """The page that a query asks for; RestError 400 outside of 1 to 100 per page or before page 1."""
    faults = {}
    if not _within(query.get("page", "1"), 1, None):
        faults["page"] = schema.fault("rest_out_of_bounds", "page must be greater than or equal to 1")
    if not _within(query.get("per_page", "10"), 1, 100):
        message = "per_page must be between 1 (inclusive) and 100 (inclusive)"
        faults["per_page"] = schema.fault("rest_out_of_bounds", message)
    if faults:
        raise schema.invalid(faults)
    return Page(int(query.get("page", "1")), int(query.get("per_page", "10")))


def _within(text: str, least: int, most: int | None) -> bool:
    return text.isdecimal() and least <= int(text) and (most is None or int(text) <= most)


def with_page(query: str, page: int) -> str:
    """A query string with another page number, its other parameters as they were."""
    kept = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name != "page"]
    position = next((i for i, (name, _) in enumerate(parse_qsl(query)) if name == "page"), len(kept))
    kept.insert(position, ("page", str(page)))
    return urlencode(kept)


def dated(documents: Iterable[Document], query: Query) -> list[Document]:
    """Those within the query's dates; RestError 400 for a date that is none."""
    bounds = {name: _bound(name, query) for name in DATE_FILTERS if query.get(name)}
    return [document for document in documents if all(_inside(document, name, at) for name, at in bounds.items())]


def _bound(name: str, query: Query) -> datetime:
    try:
        return dates.query_date(query[name], truthy(query.get("dates_are_gmt")))
    except ValueError:
        raise schema.invalid({name: schema.fault("rest_invalid_date", "Invalid date.")}) from None


def _inside(document: Document, name: str, at: datetime) -> bool:
    field, sign = DATE_FILTERS[name]
    stamped = dates.moment(document, field)
    return stamped is not None and (stamped - at).total_seconds() * sign > 0


def words(query: Query, name: str) -> list[str]:
    """A comma-separated parameter; empty when it is missing or empty."""
    return [word.strip() for word in query.get(name, "").split(",") if word.strip()]


def numbers(query: Query, name: str) -> list[int]:
    """A comma-separated parameter of ids."""
    return [int(word) for word in words(query, name) if word.isdecimal()]


def chosen(documents: Iterable[Document], query: Query) -> list[Document]:
    """Those that `include` and `exclude` leave."""
    include, exclude = set(numbers(query, "include")), set(numbers(query, "exclude"))
    return [d for d in documents if (not include or d["id"] in include) and d["id"] not in exclude]


def ordered(documents: Iterable[Document], query: Query) -> list[Document]:
    """Newest first unless `orderby` (date, modified, id, include, title) and `order` say else.

    Which of two documents of one second comes first is the database's secret; here it is the smaller id.
    """
    include = numbers(query, "include")
    keys: dict[str, Callable[[Document], Any]] = {
        "id": lambda d: d["id"],
        "modified": lambda d: d["date_modified_gmt"],
        "title": lambda d: d["name"],
        "include": lambda d: -include.index(d["id"]) if d["id"] in include else 0,
    }
    key = keys.get(query.get("orderby", "date"), lambda d: d["date_created_gmt"])
    by_id = sorted(documents, key=lambda d: d["id"])
    return sorted(by_id, key=key, reverse=query.get("order", "desc") != "asc")


def only_fields(document: Any, fields: Sequence[str]) -> Any:
    """What `_fields` leaves: names, or paths with dots through objects (lists have no inner fields)."""
    if not isinstance(document, dict):
        return document
    kept: Document = {}
    for field in fields:
        head, _, rest = field.partition(".")
        if head in document:
            kept[head] = _inner(document[head], rest)
    return kept or []


def _inner(value: Any, rest: str) -> Any:
    if not rest:
        return value
    return only_fields(value, [rest]) if isinstance(value, dict) else []
