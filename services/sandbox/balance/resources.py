"""The readable resources: what each lists, and which parameters it understands."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from services.sandbox.balance import clients, fields, items
from services.sandbox.balance.books import Books
from services.sandbox.balance.errors import Turned
from services.sandbox.balance.query import Known, Query
from services.sandbox.balance.record import Row
from services.sandbox.balance.register import Register

NO_PARAMETERS = Known()


@dataclass(frozen=True)
class Resource:
    """One readable resource. `document` ones may be named otherwise on GET than on PUT."""

    rows: Callable[[Books, Query], Iterable[Row]]
    known: Known = NO_PARAMETERS
    document: bool = False


def resource(name: str, books: Books) -> Resource:
    """The resource of this name; the dialect names credit note and sales order. Raises `Turned` 404 for others."""
    if name == books.settings.dialect.credit_note_resource:
        return CREDIT_NOTES
    if name == books.settings.dialect.sales_order_resource:
        return SALES_ORDERS
    if name in books.receipts:
        return Resource(lambda books, query: document_rows(books.receipts[name], query), Known(FILTERS), document=True)
    if name not in RESOURCES:
        raise Turned(404, f'The Exchange service has no resource "{name}"')
    return RESOURCES[name]


def item_rows(books: Books, query: Query) -> Iterable[Row]:
    """Items and folders; one by its uid without a search."""
    if "uid" in query.filters:
        one = books.items.get(query.filters["uid"].lower())
        return [] if one is None else [one]
    return books.items.rows()


def client_rows(books: Books, query: Query) -> Iterable[Row]:
    """Customers; one by its uid without a search."""
    if "uid" in query.filters:
        one = books.clients.get(query.filters["uid"].lower())
        return [] if one is None else [one]
    return books.clients.rows()


def document_rows(register: Register, query: Query) -> Iterable[Row]:
    """Documents of one kind; one by its uid without a search."""
    if "uid" in query.filters:
        one = register.get(query.filters["uid"].lower())
        return [] if one is None else [one.row()]
    return register.rows()


def stock_rows(books: Books, query: Query) -> Iterable[Row]:
    """Stock; `Total=false` gives every lot, `Total=true` sums them (what Balance does there is not recorded)."""
    asked = query.parameters.get("Total", "").lower()
    summed = asked == "true" or (not asked and books.settings.dialect.stocks_total == "summed")
    return books.stocks.rows(books.settings.dialect, summed)


def price_rows(books: Books, query: Query) -> Iterable[Row]:
    """The newest prices; `Source` that is an item's uid limits them to it (seen in one integration)."""
    source = query.parameters.get("Source", "").lower()
    return books.prices.rows(source if source in books.items else None)


def series_rows(books: Books, query: Query) -> Iterable[Row]:
    """Lots of all items or of `Item`. Raises `Turned` 403 for all where the dialect forbids that (API fact)."""
    item = query.parameters.get("Item")
    if item is None and not books.settings.dialect.series_bulk:
        raise Turned(403, "ItemsSeries needs the parameter Item")
    return [lot for lot in books.series.values() if item is None or lot["Item"] == item.lower()]


FILTERS = fields.HEADER - {"Items", "AdditionalDetails", "Payment", "PaidDownPayments", "GiftCertificates", "Others"}
CREDIT_NOTES = Resource(lambda books, query: document_rows(books.credit_notes, query), Known(FILTERS), document=True)
SALES_ORDERS = Resource(lambda books, query: document_rows(books.sales_orders, query), Known(FILTERS), document=True)
RESOURCES = {
    "Items": Resource(item_rows, Known(frozenset(items.DEFAULTS) - {"Packages"})),
    "ItemsSeries": Resource(series_rows, Known(parameters=frozenset({"Item"}))),
    "Stocks": Resource(
        stock_rows,
        Known(parameters=frozenset({"StartingPeriod", "EndingPeriod", "Total"}), profile=frozenset({"uid", "Source"})),
    ),
    "Prices": Resource(price_rows, Known(profile=frozenset({"uid", "Source"}))),
    "ItemPricing": Resource(lambda books, _: books.prices.documents(), Known(profile=frozenset({"uid"}))),
    "Warehouses": Resource(lambda books, _: list(books.warehouses.values())),
    "Discounts": Resource(lambda books, _: list(books.discounts.values())),
    "Clients": Resource(client_rows, Known(frozenset(clients.DEFAULTS))),
    "Sale": Resource(lambda books, query: document_rows(books.sales, query), Known(FILTERS), document=True),
}
