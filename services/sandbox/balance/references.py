"""What a document points at: items, client, warehouse, VAT rates; by GUID, or by text
as Balance's search settings say.
"""

from __future__ import annotations

from collections.abc import Callable

from services.sandbox.balance import vat
from services.sandbox.balance.books import Books
from services.sandbox.balance.draft import Draft
from services.sandbox.balance.record import Row, is_empty, is_uid
from services.sandbox.balance.settings import TextReference

Known = Callable[[str], bool]
ByText = Callable[[str], str | None]


def resolve(draft: Draft, books: Books) -> None:
    """Replaces references by uids, and drops or faults those that lead nowhere."""
    stance = books.settings.dialect.reference_text
    known_client = books.clients.__contains__
    reference(draft, draft.header, "Client", stance, known_client, books.clients.named)
    reference(draft, draft.header, "Warehouse", stance, books.warehouses.__contains__, books.warehouse_named)
    for line in draft.lines:
        reference(draft, line, "Item", books.settings.dialect.item_text, books.items.__contains__, books.items.named)
        reference(draft, line, "Series", "refused", books.series.__contains__, lambda _: None)
        resolve_rate(draft, line, books)


def reference(draft: Draft, row: Row, name: str, stance: TextReference, known: Known, by_text: ByText) -> None:
    """Settles one reference. API fact: an Item given by SKU text may be dropped silently, its column left empty."""
    if is_empty(row.get(name)):
        return
    written = str(row[name])
    found = written.lower() if is_uid(written) else (by_text(written) if stance == "resolved" else None)
    if not is_uid(written) and stance == "dropped":
        row[name] = ""
    elif found is None or not known(found):
        draft.fault("reference", field=name, value=written)
    else:
        row[name] = found


def resolve_rate(draft: Draft, line: Row, books: Books) -> None:
    """Settles a line's VAT rate: its own, else its item's (API fact: a rate given as text is often not accepted)."""
    written = str(line.get("VATRate", ""))
    accepted = books.settings.dialect.vat_rate_text == "accepted"
    if is_empty(written) or (written in vat.PERCENT and not accepted):
        item = books.items.get(str(line.get("Item", "")))
        line["VATRate"] = vat.UIDS[item["VATRate"] if item else vat.REGULAR]
    elif vat.rate_named(written, accepted) is None:
        draft.fault("reference", field="VATRate", value=written)
