"""What an engine has SQLite do, statement by statement: to count it, and so that a floor can do the very same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import event

from services.engine.state.database import Database


class Statement(NamedTuple):
    """A statement as the driver gets it; `many`: once for each of its parameters."""

    text: str
    parameters: Any
    many: bool

    @property
    def writes(self) -> bool:
        """Whether it is more than a question."""
        return not self.text.startswith(("SELECT", "BEGIN"))


@dataclass
class Spied:
    """The statements of one stretch of work, in order; those that begin and end transactions are not among them."""

    statements: list[Statement] = field(default_factory=list)
    transactions: int = 0

    @property
    def writes(self) -> list[Statement]:
        """Those that write."""
        return [each for each in self.statements if each.writes]

    @property
    def rows(self) -> int:
        """How many rows were written."""
        return sum(len(each.parameters) if each.many else 1 for each in self.writes)

    def noted(self, _: Any, __: Any, text: str, parameters: Sequence[Any], ___: Any, many: bool) -> None:
        """A statement is about to be executed."""
        if text == "BEGIN":
            self.transactions += 1
        else:
            self.statements.append(Statement(text, parameters, many))


@contextmanager
def spied(database: Database) -> Iterator[Spied]:
    """Looks on while the block lasts."""
    found, engine = Spied(), database._engine.sync_engine
    event.listen(engine, "before_cursor_execute", found.noted)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", found.noted)
