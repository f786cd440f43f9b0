"""The readable resources: query parameters, filters, pages and rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from services.sandbox.balance import clients, drafts, items
from services.sandbox.balance.books import SandboxBooks, SandboxRegister
from services.sandbox.balance.errors import PlatformRefusal
from services.sandbox.balance.record import Row, as_text
from services.sandbox.balance.settings import SandboxDialect

PAGING = frozenset({"Pack", "PackSize"})
PAGE_SIZE = 100


@dataclass(frozen=True)
class ResourceParameters:
    """What a resource understands: `fields` filter by equality, `profile` are the constant uid and Source."""

    fields: frozenset[str] = frozenset()
    parameters: frozenset[str] = frozenset()
    profile: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ReadQuery:
    """What a GET asks for. `page` is (1-based number, rows); `nothing` means that a needed parameter is missing."""

    filters: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    page: tuple[int, int] | None = None
    nothing: bool = False

    def select(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The rows that fit the filters, of the page asked for."""
        fitting = (
            row for row in rows if all(as_text(row.get(name, "")) == text for name, text in self.filters.items())
        )
        if self.page is None:
            return fitting
        number, size = self.page
        return islice(fitting, (number - 1) * size, number * size)


def parse_query(
    pairs: Iterable[tuple[str, str]], resource: str, known: ResourceParameters, dialect: SandboxDialect
) -> ReadQuery:
    """Parses the query of a GET. Raises `PlatformRefusal` for an unknown parameter or an empty `uid=`."""
    asked = without_empty_uid(dict(pairs), dialect)
    profile = {name: parameter_policy(name, dialect) for name in known.profile}
    understood = known.fields | known.parameters | {name for name in profile if profile[name] != "rejected"}
    pages = dialect.paging != "rejected" and resource in dialect.paged
    refuse_unknown(asked, understood | (PAGING if pages else frozenset()), dialect)
    return ReadQuery(
        filters={name: text for name, text in asked.items() if name in known.fields},
        parameters={name: text for name, text in asked.items() if name in known.parameters | known.profile},
        page=requested_page(asked) if pages and dialect.paging == "supported" else None,
        nothing=any(profile[name] == "needed" and name not in asked for name in profile),
    )


def without_empty_uid(asked: dict[str, str], dialect: SandboxDialect) -> dict[str, str]:
    """Drops an empty `uid=`, or raises the configured error for it (Balance fact 25)."""
    if asked.get("uid") != "":
        return asked
    if dialect.empty_uid_status is not None:
        raise PlatformRefusal(dialect.empty_uid_status, "Bad Gateway")
    return {name: text for name, text in asked.items() if name != "uid"}


def parameter_policy(name: str, dialect: SandboxDialect) -> str:
    """Returns whether the constant `uid` or `Source` is accepted, needed or rejected."""
    return dialect.uid_parameter if name == "uid" else dialect.source_parameter


def refuse_unknown(asked: dict[str, str], understood: frozenset[str], dialect: SandboxDialect) -> None:
    """Raises 404 for an unknown parameter, also for one in different letter case (Balance fact 20)."""
    for name in asked:
        if name not in understood and dialect.unknown_parameter == "rejected":
            raise PlatformRefusal(404, f'Unknown parameter "{name}"')


def requested_page(asked: dict[str, str]) -> tuple[int, int] | None:
    """The page asked for; None without either parameter."""
    if not PAGING & asked.keys():
        return None
    number, size = asked.get("Pack", "1"), asked.get("PackSize", str(PAGE_SIZE))
    if not (number.isdecimal() and size.isdecimal() and int(number) and int(size)):
        raise PlatformRefusal(400, f"Pack and PackSize must be positive whole numbers, not {number!r} and {size!r}")
    return int(number), int(size)


NO_PARAMETERS = ResourceParameters()


@dataclass(frozen=True)
class ReadableResource:
    """One readable resource. `document` ones may be named otherwise on GET than on PUT."""

    rows: Callable[[SandboxBooks, ReadQuery], Iterable[Row]]
    known: ResourceParameters = NO_PARAMETERS
    document: bool = False


def find_resource(name: str, books: SandboxBooks) -> ReadableResource:
    """Finds a resource; the dialect names credit notes and sales orders. Raises `PlatformRefusal` 404."""
    if name == books.settings.dialect.credit_note_resource:
        return CREDIT_NOTES
    if name == books.settings.dialect.sales_order_resource:
        return SALES_ORDERS
    if name in books.receipts:
        return ReadableResource(
            lambda books, query: document_rows(books.receipts[name], query), ResourceParameters(FILTERS), document=True
        )
    if name not in RESOURCES:
        raise PlatformRefusal(404, f'The Exchange service has no resource "{name}"')
    return RESOURCES[name]


def item_rows(books: SandboxBooks, query: ReadQuery) -> Iterable[Row]:
    """Items and folders; one by its uid without a search."""
    if "uid" in query.filters:
        one = books.items.get(query.filters["uid"].lower())
        return [] if one is None else [one]
    return books.items.rows()


def client_rows(books: SandboxBooks, query: ReadQuery) -> Iterable[Row]:
    """Customers; one by its uid without a search."""
    if "uid" in query.filters:
        one = books.clients.get(query.filters["uid"].lower())
        return [] if one is None else [one]
    return books.clients.rows()


def document_rows(register: SandboxRegister, query: ReadQuery) -> Iterable[Row]:
    """Documents of one kind; one by its uid without a search."""
    if "uid" in query.filters:
        one = register.get(query.filters["uid"].lower())
        return [] if one is None else [one.row()]
    return register.rows()


def stock_rows(books: SandboxBooks, query: ReadQuery) -> Iterable[Row]:
    """Stock; `Total=false` gives every lot, `Total=true` sums them (what Balance does there is not recorded)."""
    asked = query.parameters.get("Total", "").lower()
    summed = asked == "true" or (not asked and books.settings.dialect.stocks_total == "summed")
    return books.stocks.rows(books.settings.dialect, summed)


def price_rows(books: SandboxBooks, query: ReadQuery) -> Iterable[Row]:
    """The newest prices; `Source` that is an item's uid limits them to it (seen in one integration)."""
    source = query.parameters.get("Source", "").lower()
    return books.prices.rows(source if source in books.items else None)


def series_rows(books: SandboxBooks, query: ReadQuery) -> Iterable[Row]:
    """Lots of all items or of `Item`. Raises `PlatformRefusal` 403 if `Item` is required (Balance fact 33)."""
    item = query.parameters.get("Item")
    if item is None and not books.settings.dialect.series_bulk:
        raise PlatformRefusal(403, "ItemsSeries needs the parameter Item")
    return [lot for lot in books.series.values() if item is None or lot["Item"] == item.lower()]


FILTERS = drafts.HEADER - {"Items", "AdditionalDetails", "Payment", "PaidDownPayments", "GiftCertificates", "Others"}
CREDIT_NOTES = ReadableResource(
    lambda books, query: document_rows(books.credit_notes, query), ResourceParameters(FILTERS), document=True
)
SALES_ORDERS = ReadableResource(
    lambda books, query: document_rows(books.sales_orders, query), ResourceParameters(FILTERS), document=True
)
RESOURCES = {
    "Items": ReadableResource(item_rows, ResourceParameters(frozenset(items.DEFAULTS) - {"Packages"})),
    "ItemsSeries": ReadableResource(series_rows, ResourceParameters(parameters=frozenset({"Item"}))),
    "Stocks": ReadableResource(
        stock_rows,
        ResourceParameters(
            parameters=frozenset({"StartingPeriod", "EndingPeriod", "Total"}), profile=frozenset({"uid", "Source"})
        ),
    ),
    "Prices": ReadableResource(price_rows, ResourceParameters(profile=frozenset({"uid", "Source"}))),
    "ItemPricing": ReadableResource(
        lambda books, _: books.prices.documents(), ResourceParameters(profile=frozenset({"uid"}))
    ),
    "Warehouses": ReadableResource(lambda books, _: list(books.warehouses.values())),
    "Discounts": ReadableResource(lambda books, _: list(books.discounts.values())),
    "Clients": ReadableResource(client_rows, ResourceParameters(frozenset(clients.DEFAULTS))),
    "Sale": ReadableResource(
        lambda books, query: document_rows(books.sales, query), ResourceParameters(FILTERS), document=True
    ),
}
