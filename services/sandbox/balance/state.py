"""What stands in the books, for tests and people to look at: figures as plain text, whatever the dialect."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from services.sandbox.balance.books import Books
from services.sandbox.balance.record import as_text, plain
from services.sandbox.balance.register import Document


def state(books: Books, parts: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The named parts (all when none is named): counts, sales, credit_notes, receipts, clients, stock."""
    makers: dict[str, Callable[[Books], Any]] = {
        "counts": counts,
        "sales": lambda books: [summary(document) for document in books.sales],
        "credit_notes": lambda books: [summary(document) for document in books.credit_notes],
        "receipts": receipts,
        "sales_orders": lambda books: [summary(document) for document in books.sales_orders],
        "clients": client_summaries,
        "stock": stock,
    }
    return {name: make(books) for name, make in makers.items() if not parts or name in parts}


def counts(books: Books) -> dict[str, int]:
    """How many records of each kind there are."""
    return {
        "items": len(books.items),
        "warehouses": len(books.warehouses),
        "clients": len(books.clients),
        "sales": len(books.sales),
        "credit_notes": len(books.credit_notes),
        "receipts": sum(map(len, books.receipts.values())),
    }


def summary(document: Document) -> dict[str, Any]:
    """One document: its identity, total and VAT in GEL, its lines, and how often it was written."""
    header = ("Date", "Client", "Warehouse", "Comments", "PrimaryDocument", "OperationType", "BaseDocument")
    return {
        "uid": document.uid,
        "Number": document.number,
        **{name: as_text(document.header.get(name, "")) for name in header},
        "total": plain(document.total),
        "vat": plain(document.vat),
        "lines": [{name: as_text(value) for name, value in line.items()} for line in document.lines],
        "revisions": document.revision,
        "edits": document.edits,
        "posted": document.posted,
        "marked": document.marked,
    }


def receipts(books: Books) -> list[dict[str, Any]]:
    """Receipts of every kind: what was written, and how often."""
    return [
        {"resource": name, "uid": document.uid, "Number": document.number, "revisions": document.revision}
        | {field: as_text(value) for field, value in document.header.items()}
        for name, register in books.receipts.items()
        for document in register
    ]


def client_summaries(books: Books) -> list[dict[str, Any]]:
    """Clients: who, and how often each was written."""
    names = ("uid", "Name", "ID", "LegalForm", "Phone", "Email", "ExtCode")
    return [
        {name: row[name] for name in names} | {"revisions": books.clients.revisions[row["uid"]]}
        for row in books.clients.rows()
    ]


def stock(books: Books) -> dict[str, dict[str, dict[str, str]]]:
    """`{item uid: {warehouse name: {"quantity": "5", "reserve": "1"}}}`, lots summed."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    listed = books.settings.dialect.model_copy(update={"reserve": True, "zero_stock": "listed"})
    for row in books.stocks.rows(listed, total=True):
        known = str(row["Warehouse"])
        warehouse = str(books.warehouses.get(known, {}).get("Name", known))
        level = {"quantity": plain(row["Quantity"]), "reserve": plain(row["Reserve"])}
        found.setdefault(str(row["Item"]), {})[warehouse] = level
    return found
