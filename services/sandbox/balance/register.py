"""A kind of document: its documents by uid, their numbers, and how often each was written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count

from services.sandbox.balance.record import Row, uid
from services.sandbox.balance.stocks import Movement


@dataclass(frozen=True)
class Document:
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
    movements: list[Movement] = field(default_factory=list)

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


class Register:
    """The documents of one kind."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._documents: dict[str, Document] = {}
        self._numbers = count(1)
        self._uids = count(1)

    def __len__(self) -> int:
        return len(self._documents)

    def __iter__(self) -> Iterator[Document]:
        return iter(list(self._documents.values()))

    def get(self, uid: str) -> Document | None:
        """The document of this uid, marked ones too."""
        return self._documents.get(uid)

    def keep(self, document: Document) -> None:
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
        return uid(f"server-{self.kind}", next(self._uids))

    def rows(self) -> Iterator[Row]:
        """Every document as a GET gives it, oldest first."""
        return (document.row() for document in self)
