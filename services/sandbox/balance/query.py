"""A GET's parameters: which are understood, which are refused, and what they ask for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from services.sandbox.balance.errors import Turned
from services.sandbox.balance.record import Row, as_text
from services.sandbox.balance.settings import Dialect

PAGING = frozenset({"Pack", "PackSize"})
PAGE_SIZE = 100


@dataclass(frozen=True)
class Known:
    """What a resource understands: `fields` filter by equality, `profile` are the constant uid and Source."""

    fields: frozenset[str] = frozenset()
    parameters: frozenset[str] = frozenset()
    profile: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Query:
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


def read(pairs: Iterable[tuple[str, str]], resource: str, known: Known, dialect: Dialect) -> Query:
    """The query of a GET. Raises `Turned`: 404 for an unknown parameter, the set status for an empty `uid=`."""
    asked = without_empty_uid(dict(pairs), dialect)
    profile = {name: stance(name, dialect) for name in known.profile}
    understood = known.fields | known.parameters | {name for name in profile if profile[name] != "rejected"}
    pages = dialect.paging != "rejected" and resource in dialect.paged
    refuse_unknown(asked, understood | (PAGING if pages else frozenset()), dialect)
    return Query(
        filters={name: text for name, text in asked.items() if name in known.fields},
        parameters={name: text for name, text in asked.items() if name in known.parameters | known.profile},
        page=page_of(asked) if pages and dialect.paging == "supported" else None,
        nothing=any(profile[name] == "needed" and name not in asked for name in profile),
    )


def without_empty_uid(asked: dict[str, str], dialect: Dialect) -> dict[str, str]:
    """API fact: an empty `uid=` gave 502 on some publications; elsewhere it counts as absent."""
    if asked.get("uid") != "":
        return asked
    if dialect.empty_uid_status is not None:
        raise Turned(dialect.empty_uid_status, "Bad Gateway")
    return {name: text for name, text in asked.items() if name != "uid"}


def stance(name: str, dialect: Dialect) -> str:
    """Whether the constant `uid` or `Source` is accepted, needed or rejected."""
    return dialect.uid_parameter if name == "uid" else dialect.source_parameter


def refuse_unknown(asked: dict[str, str], understood: frozenset[str], dialect: Dialect) -> None:
    """API fact: unknown parameters are rejected with 404, also one whose letters are cased otherwise."""
    for name in asked:
        if name not in understood and dialect.unknown_parameter == "rejected":
            raise Turned(404, f'Unknown parameter "{name}"')


def page_of(asked: dict[str, str]) -> tuple[int, int] | None:
    """The page asked for; None without either parameter."""
    if not PAGING & asked.keys():
        return None
    number, size = asked.get("Pack", "1"), asked.get("PackSize", str(PAGE_SIZE))
    if not (number.isdecimal() and size.isdecimal() and int(number) and int(size)):
        raise Turned(400, f"Pack and PackSize must be positive whole numbers, not {number!r} and {size!r}")
    return int(number), int(size)
