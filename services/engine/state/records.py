"""What handlers see of the state database: typed records, by kind and key, within one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel

RecordT = TypeVar("RecordT", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Kind(Generic[RecordT]):
    """A kind of record in the projection, e.g. `ITEM = Kind("item", ItemChanged)`."""

    name: str
    model: type[RecordT]


class State(Protocol):
    """The projection, as one transaction sees it. Nothing here awaits; what is put is seen by later gets.

    A rule may be run with nothing where something stands, and is then run again with all it asked for: it must come to
    an end on any answers.
    """

    @property
    def now(self) -> datetime:
        """The moment of this transaction, in UTC."""

    def get(self, kind: Kind[RecordT], key: str) -> RecordT | None:
        """The record, or None."""

    def find(self, kind: Kind[RecordT], ref: str) -> dict[str, RecordT]:
        """All records of a kind that were put with this `ref`, by key."""

    def pause(self) -> None:
        """Before something costly: give up here if anything asked for was not loaded yet. The rule is run again then,
        whether it pauses or not, and what it makes until its end would be made in vain."""

    def put(self, kind: Kind[RecordT], key: str, record: RecordT, ref: str = "") -> None:
        """Remember a record; `ref` makes it findable."""

    def drop(self, kind: Kind[Any], key: str) -> None:
        """Forget a record."""

    def touch(self, subject: str) -> None:
        """Have this subject decided again, in this transaction (or after catch-up)."""

    def release(self, name: str) -> None:
        """The named thing has appeared: whatever is blocked on it is decided again."""
