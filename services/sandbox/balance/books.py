"""One Balance database: documents, items, clients, stock, prices, settings and clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from services.sandbox.balance.clients import SandboxClients
from services.sandbox.balance.items import SandboxItems
from services.sandbox.balance.record import Row, as_text, make_uid, plain_number
from services.sandbox.balance.settings import BalanceSandboxSettings
from services.sandbox.balance.stock_and_prices import PriceRegister, StockMovement, StockRegister


@dataclass(frozen=True)
class BalanceDocument:
    """One document. `revision` counts the writes through the API, `edits` those by hand.

    A `posted` one has its effect on stock; a `marked` one is marked for deletion and has none.
    """

    uid: str
    number: str
    header: Row
    lines: list[Row]
    revision: int = 1
    edits: int = 0
    posted: bool = True
    marked: bool = False
    movements: list[StockMovement] = field(default_factory=list)

    @property
    def total(self) -> Decimal:
        """What is to be paid, VAT included, in GEL."""
        return sum((line.get("AmountIncludingVAT", Decimal(0)) for line in self.lines), Decimal(0))

    @property
    def vat(self) -> Decimal:
        """The sum of the lines' VAT, in GEL."""
        return sum((line.get("VAT", Decimal(0)) for line in self.lines), Decimal(0))

    def row(self) -> Row:
        """The document as a GET gives it."""
        marked: Row = {"DeletionMark": True} if self.marked else {}
        return {"uid": self.uid, "Number": self.number} | self.header | marked | {"Items": self.lines}


class SandboxRegister:
    """The documents of one kind."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._documents: dict[str, BalanceDocument] = {}
        self._numbers = count(1)
        self._uids = count(1)

    def __len__(self) -> int:
        return len(self._documents)

    def __iter__(self) -> Iterator[BalanceDocument]:
        return iter(list(self._documents.values()))

    def get(self, uid: str) -> BalanceDocument | None:
        """The document of this uid, marked ones too."""
        return self._documents.get(uid)

    def keep(self, document: BalanceDocument) -> None:
        """Adds a document, or puts it in the place of the one with its uid."""
        self._documents[document.uid] = document

    def forget(self, uid: str) -> None:
        """Removes a document; nothing happens when there is none."""
        self._documents.pop(uid, None)

    def next_number(self) -> str:
        """The number of a new document; a refused one leaves a gap, as in Balance."""
        return f"{next(self._numbers):07}"

    def new_uid(self) -> str:
        """A uid of Balance's own making."""
        return make_uid(f"server-{self.kind}", next(self._uids))

    def rows(self) -> Iterator[Row]:
        """Every document as a GET gives it, oldest first."""
        return (document.row() for document in self)


TBILISI = ZoneInfo("Asia/Tbilisi")


class SandboxBooks:
    """The records of a Balance, and its settings, which may be replaced while it runs."""

    def __init__(self, settings: BalanceSandboxSettings, clock: Callable[[], datetime]) -> None:
        self.settings = settings
        self.clock = clock
        self.clear()

    def clear(self) -> None:
        """Makes it an empty database; the settings stay."""
        self.items = SandboxItems()
        self.stocks = StockRegister()
        self.prices = PriceRegister()
        self.warehouses: dict[str, Row] = {}
        self.series: dict[str, Row] = {}
        self.discounts: dict[str, Row] = {}
        self.clients = SandboxClients()
        self.sales = SandboxRegister("Sale")
        self.credit_notes = SandboxRegister("SalesCredit")
        self.sales_orders = SandboxRegister("SalesOrder")
        self.receipts = {name: SandboxRegister(name) for name in self.settings.dialect.receipt_resources}

    def registers(self) -> dict[str, SandboxRegister]:
        """Every kind of document by its name in this dialect."""
        return {
            "Sale": self.sales,
            self.settings.dialect.credit_note_resource: self.credit_notes,
            self.settings.dialect.sales_order_resource: self.sales_orders,
            **self.receipts,
        }

    def now(self) -> datetime:
        """Balance's own time: Tbilisi, without zone, in whole seconds."""
        return self.clock().astimezone(TBILISI).replace(tzinfo=None, microsecond=0)

    def warehouse_named(self, name: str) -> str | None:
        """The uid of the warehouse with this name."""
        return next((known for known, row in self.warehouses.items() if row["Name"] == name), None)

    def delete_item(self, item: str) -> None:
        """Removes an item with its stock, prices and lots. Raises KeyError for an unknown uid."""
        self.items.delete(item)
        self.stocks.delete(item)
        self.prices.delete(item, self.now())
        self.series = {known: lot for known, lot in self.series.items() if lot["Item"] != item}


def describe_books(books: SandboxBooks, parts: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The named parts (all when none is named): counts, sales, credit_notes, receipts, clients, stock."""
    makers: dict[str, Callable[[SandboxBooks], Any]] = {
        "counts": count_records,
        "sales": lambda books: [summarize_document(document) for document in books.sales],
        "credit_notes": lambda books: [summarize_document(document) for document in books.credit_notes],
        "receipts": summarize_receipts,
        "sales_orders": lambda books: [summarize_document(document) for document in books.sales_orders],
        "clients": summarize_clients,
        "stock": summarize_stock,
    }
    return {name: make(books) for name, make in makers.items() if not parts or name in parts}


def count_records(books: SandboxBooks) -> dict[str, int]:
    """How many records of each kind there are."""
    return {
        "items": len(books.items),
        "warehouses": len(books.warehouses),
        "clients": len(books.clients),
        "sales": len(books.sales),
        "credit_notes": len(books.credit_notes),
        "receipts": sum(map(len, books.receipts.values())),
    }


def summarize_document(document: BalanceDocument) -> dict[str, Any]:
    """One document: its identity, total and VAT in GEL, its lines, and how often it was written."""
    header = ("Date", "Client", "Warehouse", "Comments", "PrimaryDocument", "OperationType", "BaseDocument")
    return {
        "uid": document.uid,
        "Number": document.number,
        **{name: as_text(document.header.get(name, "")) for name in header},
        "total": plain_number(document.total),
        "vat": plain_number(document.vat),
        "lines": [{name: as_text(value) for name, value in line.items()} for line in document.lines],
        "revisions": document.revision,
        "edits": document.edits,
        "posted": document.posted,
        "marked": document.marked,
    }


def summarize_receipts(books: SandboxBooks) -> list[dict[str, Any]]:
    """Receipts of every kind: what was written, and how often."""
    return [
        {"resource": name, "uid": document.uid, "Number": document.number, "revisions": document.revision}
        | {field: as_text(value) for field, value in document.header.items()}
        for name, register in books.receipts.items()
        for document in register
    ]


def summarize_clients(books: SandboxBooks) -> list[dict[str, Any]]:
    """Clients: who, and how often each was written."""
    names = ("uid", "Name", "ID", "LegalForm", "Phone", "Email", "ExtCode")
    return [
        {name: row[name] for name in names} | {"revisions": books.clients.revisions[row["uid"]]}
        for row in books.clients.rows()
    ]


def summarize_stock(books: SandboxBooks) -> dict[str, dict[str, dict[str, str]]]:
    """`{item uid: {warehouse name: {"quantity": "5", "reserve": "1"}}}`, lots summed."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    listed = books.settings.dialect.model_copy(update={"reserve": True, "zero_stock": "listed"})
    for row in books.stocks.rows(listed, total=True):
        known = str(row["Warehouse"])
        warehouse = str(books.warehouses.get(known, {}).get("Name", known))
        level = {"quantity": plain_number(row["Quantity"]), "reserve": plain_number(row["Reserve"])}
        found.setdefault(str(row["Item"]), {})[warehouse] = level
    return found
