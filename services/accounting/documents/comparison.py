"""Compares a stored document with the intended one, field by field (claim I6).

Balance fact 44: Balance may accept a document and leave a column empty instead of refusing it.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from contracts.ledger import RecordedLine
from services.connectors.balance.documents import StoredDocument, StoredLine

MOST_DIFFERENCES = 50
Content = tuple[str, Decimal | None]
"""The item of a line, in lower case, and its amount."""


@dataclass(frozen=True, slots=True)
class DocumentIntent:
    """The intended document. `base` is the Sale of a credit note or receipt.

    `warehouse` is None if the document has none.
    """

    client: str
    warehouse: str | None
    total: Decimal
    vat: Decimal
    lines: tuple[RecordedLine, ...]
    quantities: tuple[Decimal, ...]
    base: str | None = None


@dataclass(frozen=True, slots=True)
class DocumentComparison:
    """`wrong`: differences that make it another document. `noted`: differences that an accountant should know.

    `lines` are the intended lines with the values stored in Balance.
    """

    wrong: tuple[str, ...]
    noted: tuple[str, ...]
    lines: tuple[RecordedLine, ...]

    @property
    def differences(self) -> tuple[str, ...]:
        """All differences."""
        return (*self.wrong, *self.noted)


def compare_document(intent: DocumentIntent, stored: StoredDocument) -> DocumentComparison:
    """Compare a document read from Balance with the intended one."""
    matched = _matched(intent, stored)
    wrong = [*_header(intent, stored), *_counts(intent, stored)]
    for position, line in enumerate(intent.lines):
        wrong += _line(position, line, intent.quantities[position], matched[position])
    return DocumentComparison(tuple(_limit(wrong)), _vat(intent, stored), tuple(map(_held, intent.lines, matched)))


def _limit(differences: list[str]) -> list[str]:
    """The first differences and the number of the others: they go into events and messages."""
    more = len(differences) - MOST_DIFFERENCES
    return [*differences[:MOST_DIFFERENCES], f"and {more} more"] if more > 0 else differences


def _header(intent: DocumentIntent, stored: StoredDocument) -> list[str]:
    wrong = [*_reference("Client", intent.client, stored.client)]
    if intent.warehouse is not None:
        wrong += _reference("Warehouse", intent.warehouse, stored.warehouse)
    if intent.base is not None:
        wrong += _reference("BaseDocument", intent.base, stored.base_document)
    if stored.total != intent.total:
        wrong.append(f"total: {stored.total} instead of {intent.total}")
    return wrong


def _reference(field: str, meant: str, found: str | None) -> list[str]:
    """A reference sent as text is stored as a uid, so it is only checked not to be empty."""
    if not found:
        return [f"{field} is empty: Balance did not recognise {meant}"]
    if found != meant and _is_uid(meant) and _is_uid(found) and UUID(meant) != UUID(found):
        return [f"{field}: {found} instead of {meant}"]
    return []


def _is_uid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _counts(intent: DocumentIntent, stored: StoredDocument) -> list[str]:
    meant, found = len(intent.lines), len(stored.lines)
    return [] if meant == found else [f"{found} lines instead of {meant}"]


def _matched(intent: DocumentIntent, stored: StoredDocument) -> list[StoredLine | None]:
    """For each intended line the stored one: the same item and amount anywhere, else the same position."""
    left: dict[int, StoredLine] = dict(enumerate(stored.lines))
    places = _places(stored)
    found: dict[int, StoredLine] = {}
    for position, line in enumerate(intent.lines):
        at = _find_equal(position, line, left, places)
        if at is not None:
            found[position] = left.pop(at)
    for position in range(len(intent.lines)):
        if position not in found and position in left:
            found[position] = left.pop(position)
    return [found.get(position) for position in range(len(intent.lines))]


def _places(stored: StoredDocument) -> dict[Content, deque[int]]:
    """The positions of stored lines by content: with many equal lines, a search for each would take minutes."""
    places: defaultdict[Content, deque[int]] = defaultdict(deque)
    for at, line in enumerate(stored.lines):
        places[_content(line.item, line.amount)].append(at)
    return places


def _find_equal(
    position: int, line: RecordedLine, left: Mapping[int, StoredLine], places: Mapping[Content, deque[int]]
) -> int | None:
    """The position of a stored line with the same content that is left: the same position, else the first one."""
    content = _content(line.item, line.amount)
    same = left.get(position)
    if same is not None and _content(same.item, same.amount) == content:
        return position
    equal = places.get(content, deque())
    while equal and equal[0] not in left:
        equal.popleft()
    return equal[0] if equal else None


def _content(item: str | None, amount: Decimal | None) -> Content:
    return (item or "").lower(), amount


def _line(position: int, meant: RecordedLine, quantity: Decimal, found: StoredLine | None) -> list[str]:
    name = f"line {position + 1}"
    if found is None:
        return [f"{name} is missing"]
    wrong = [f"{name}: {fault}" for fault in _reference("Item", meant.item, found.item)]
    if found.amount != meant.amount:
        wrong.append(f"{name}: amount {found.amount} instead of {meant.amount}")
    if found.quantity != quantity:
        wrong.append(f"{name}: quantity {found.quantity} instead of {quantity}")
    return wrong


def _vat(intent: DocumentIntent, stored: StoredDocument) -> tuple[str, ...]:
    if stored.vat is None or stored.vat == intent.vat:
        return ()
    return (f"VAT: Balance computed {stored.vat}, the lines hold {intent.vat}",)


def _held(meant: RecordedLine, found: StoredLine | None) -> RecordedLine:
    if found is None:
        return meant
    amount = meant.amount if found.amount is None else found.amount
    vat = meant.vat if found.vat is None else found.vat
    return meant.model_copy(update={"balance_line_uid": found.uid or None, "amount": amount, "vat": vat})
