"""REST resources: their protocol, batches, lists with pages and filters, and `_fields`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlencode

from services.sandbox.woocommerce import errors, values
from services.sandbox.woocommerce.errors import RestError
from services.sandbox.woocommerce.shop import Document, SandboxShop

ListQuery = Mapping[str, str]


@dataclass(frozen=True)
class SearchResult:
    """What a search found, in order, and how one of them is shown; a few lists have no pages."""

    documents: Sequence[Document]
    show: Callable[[Document], Document]
    paged: bool = True


class Searchable(Protocol):
    """Documents that can be listed."""

    def search(self, query: ListQuery) -> SearchResult:
        """The documents that a list's query asks for."""
        ...


class RestResource(Searchable, Protocol):
    """A collection of documents of one shop; `strict` asks for the schema checks of the single endpoints.

    Every method raises RestError in WooCommerce's words.
    """

    def create(self, body: Document, *, strict: bool) -> Document:
        """Makes a document; answers it as shown."""
        ...

    def read(self, document_id: int) -> Document:
        """One document as shown."""
        ...

    def update(self, document_id: int, body: Document, *, strict: bool) -> Document:
        """Changes a document; answers it as shown."""
        ...

    def delete(self, document_id: int, *, force: bool) -> Document:
        """Moves a document to the trash, or deletes it for good; answers it as it was."""
        ...


ResourceFactory = Callable[[SandboxShop, Mapping[str, int]], RestResource]


def parse_boolean(value: Any) -> bool:
    """A boolean as PHP reads it from a query or a body."""
    return value in (True, 1, "1", "true", "yes")


BATCH_LIMIT = 100
BATCH_ACTIONS = ("create", "update", "delete")


def run_batch(resource: RestResource, body: Document) -> Document | list[Any]:
    """Does a batch; `[]` when there was nothing to do. RestError 413 above 100 items, with nothing done.

    WooCommerce fact 29: results are in the order of the items; a failed item is reported in its place, in HTTP 200.
    """
    items = {deed: body.get(deed) or [] for deed in BATCH_ACTIONS}
    if sum(map(len, items.values())) > BATCH_LIMIT:
        message = f"Unable to accept more than {BATCH_LIMIT} items for this request."
        raise RestError(413, "woocommerce_rest_request_entity_too_large", message)
    steps = {"create": _create, "update": _update, "delete": _delete}
    return {deed: [steps[deed](resource, item) for item in items[deed]] for deed in BATCH_ACTIONS if items[deed]} or []


def count_items(body: Document) -> int:
    """How many items a batch has."""
    return sum(len(body.get(deed) or []) for deed in BATCH_ACTIONS)


def _create(resource: RestResource, item: Document) -> Document:
    return _or_error(lambda: resource.create(item, strict=False), 0)


def _update(resource: RestResource, item: Document) -> Document:
    return _or_error(lambda: resource.update(_parse_id(item.get("id")), item, strict=False), item.get("id"), 400)


def _delete(resource: RestResource, item: Any) -> Document:
    shown = {**item, "force": True} if isinstance(item, dict) else item
    return _or_error(lambda: resource.delete(_parse_id(item), force=True), shown)


def _parse_id(value: Any) -> int:
    return int(value) if isinstance(value, int | str) and str(value).isdecimal() else 0


def _or_error(step: Callable[[], Document], shown_id: Any, status: int | None = None) -> Document:
    """Reports an error in place of the item; an unknown id is 400 in an update and 404 in a delete (recorded)."""
    try:
        return step()
    except RestError as wrong:
        error = wrong.body()
        if status and wrong.status == 404:
            error["data"] = {**error["data"], "status": status}
        return {"id": shown_id, "error": error}


DATE_FILTERS = {
    "after": ("date_created", 1),
    "before": ("date_created", -1),
    "modified_after": ("date_modified", 1),
    "modified_before": ("date_modified", -1),
}


@dataclass(frozen=True)
class ListPage:
    """Which page of a list is asked for."""

    number: int
    size: int

    def of(self, documents: Sequence[Document]) -> Sequence[Document]:
        """Returns the documents of this page; none beyond the last page (WooCommerce fact 31)."""
        start = (self.number - 1) * self.size
        return documents[start : start + self.size]

    def headers(self, total: int, url: str, query: str) -> dict[str, str]:
        """X-WP-Total, X-WP-TotalPages and the Link to the neighbours."""
        pages = ceil(total / self.size)
        neighbours = {"prev": min(self.number - 1, pages), "next": self.number + 1 if self.number < pages else 0}
        links = [f'<{url}?{replace_page(query, page)}>; rel="{rel}"' for rel, page in neighbours.items() if page > 0]
        headers = {"X-WP-Total": str(total), "X-WP-TotalPages": str(pages)}
        return headers | ({"Link": ", ".join(links)} if links else {})


def requested_page(query: ListQuery) -> ListPage:
    """The page that a query asks for; RestError 400 outside of 1 to 100 per page or before page 1."""
    faults = {}
    if not _within(query.get("page", "1"), 1, None):
        faults["page"] = errors.parameter_fault("rest_out_of_bounds", "page must be greater than or equal to 1")
    if not _within(query.get("per_page", "10"), 1, 100):
        message = "per_page must be between 1 (inclusive) and 100 (inclusive)"
        faults["per_page"] = errors.parameter_fault("rest_out_of_bounds", message)
    if faults:
        raise errors.invalid_parameters(faults)
    return ListPage(int(query.get("page", "1")), int(query.get("per_page", "10")))


def _within(text: str, least: int, most: int | None) -> bool:
    return text.isdecimal() and least <= int(text) and (most is None or int(text) <= most)


def replace_page(query: str, page: int) -> str:
    """A query string with another page number, its other parameters as they were."""
    kept = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name != "page"]
    position = next((i for i, (name, _) in enumerate(parse_qsl(query)) if name == "page"), len(kept))
    kept.insert(position, ("page", str(page)))
    return urlencode(kept)


def filter_by_date(documents: Iterable[Document], query: ListQuery) -> list[Document]:
    """Those within the query's dates; RestError 400 for a date that is none."""
    bounds = {name: _bound(name, query) for name in DATE_FILTERS if query.get(name)}
    return [document for document in documents if all(_inside(document, name, at) for name, at in bounds.items())]


def _bound(name: str, query: ListQuery) -> datetime:
    try:
        return values.parse_query_date(query[name], parse_boolean(query.get("dates_are_gmt")))
    except ValueError:
        raise errors.invalid_parameters({name: errors.parameter_fault("rest_invalid_date", "Invalid date.")}) from None


def _inside(document: Document, name: str, at: datetime) -> bool:
    field, sign = DATE_FILTERS[name]
    stamped = values.get_date(document, field)
    return stamped is not None and (stamped - at).total_seconds() * sign > 0


def parse_words(query: ListQuery, name: str) -> list[str]:
    """A comma-separated parameter; empty when it is missing or empty."""
    return [word.strip() for word in query.get(name, "").split(",") if word.strip()]


def parse_ids(query: ListQuery, name: str) -> list[int]:
    """A comma-separated parameter of ids."""
    return [int(word) for word in parse_words(query, name) if word.isdecimal()]


def filter_by_id(documents: Iterable[Document], query: ListQuery) -> list[Document]:
    """Those that `include` and `exclude` leave."""
    include, exclude = set(parse_ids(query, "include")), set(parse_ids(query, "exclude"))
    return [d for d in documents if (not include or d["id"] in include) and d["id"] not in exclude]


def sort_documents(documents: Iterable[Document], query: ListQuery) -> list[Document]:
    """Newest first unless `orderby` (date, modified, id, include, title) and `order` say else.

    Which of two documents of one second comes first is the database's secret; here it is the smaller id.
    """
    include = parse_ids(query, "include")
    keys: dict[str, Callable[[Document], Any]] = {
        "id": lambda d: d["id"],
        "modified": lambda d: d["date_modified_gmt"],
        "title": lambda d: d["name"],
        "include": lambda d: -include.index(d["id"]) if d["id"] in include else 0,
    }
    key = keys.get(query.get("orderby", "date"), lambda d: d["date_created_gmt"])
    by_id = sorted(documents, key=lambda d: d["id"])
    return sorted(by_id, key=key, reverse=query.get("order", "desc") != "asc")


def select_fields(document: Any, fields: Sequence[str]) -> Any:
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
    return select_fields(value, [rest]) if isinstance(value, dict) else []
