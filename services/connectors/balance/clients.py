"""Clients: who buys (Balance fact 36)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field

from services.connectors.balance.api import BalanceApi
from services.connectors.balance.fields import (
    Row,
    RowInvalid,
    deleted,
    flag,
    needed_reference,
    reading_row,
    reference,
    text,
    value,
)
from services.connectors.http.listing import UnreadableRecord

CLIENTS = "Clients"


@dataclass(frozen=True, slots=True)
class ClientRef:
    """A client of Balance; `number` is the personal or company number (Balance's `ID`), `code` Balance's own.

    `phones` and `emails` include those of the tabular parts, the main one first.
    """

    uid: str
    name: str | None
    number: str | None
    legal_form: str | None
    deleted: bool
    code: str | None = None
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    address: str | None = None
    row: Row = field(default_factory=dict, compare=False, repr=False)


def read_client(row: Row) -> ClientRef:
    """The client in a row. Raises `RowInvalid` without uid."""
    with reading_row(CLIENTS, reference(row, "uid")):
        return ClientRef(
            uid=needed_reference(row, "uid"),
            name=text(row, "Name"),
            number=text(row, "ID"),
            legal_form=text(row, "LegalForm"),
            deleted=deleted(row),
            code=text(row, "Code"),
            phones=_contacts(row, "Phone"),
            emails=_contacts(row, "Email"),
            address=text(row, "PhysicalAddress"),
            row=row,
        )


def _contacts(row: Row, name: str) -> tuple[str, ...]:
    """The field and the tabular part named by its plural, without empty and repeated values."""
    rows = value(row, f"{name}s")
    entries = [text(each, name) for each in rows if isinstance(each, dict)] if isinstance(rows, list) else []
    return tuple(dict.fromkeys(each for each in (text(row, name), *entries) if each))


async def by_number(api: BalanceApi, number: str) -> ClientRef | None:
    """The client with this personal or company number, except folders and those marked for deletion.

    Of several, the one with the lowest uid is returned, so that it is always the same. The number is compared here too,
    since a Balance that ignores the filter must not return another client.
    """
    found = [read_client(row) async for row in api.where(CLIENTS, ID=number) if _has_number(row, number)]
    return min(found, key=lambda ref: ref.uid, default=None)


def _has_number(row: Row, number: str) -> bool:
    return text(row, "ID") == number and not flag(row, "IsGroup") and not deleted(row)


async def every(api: BalanceApi) -> AsyncIterator[ClientRef | UnreadableRecord]:
    """All clients, except folders and those marked for deletion."""
    async with aclosing(api.every(CLIENTS)) as rows:
        async for row in rows:
            if not flag(row, "IsGroup") and not deleted(row):
                yield _listed(row)


def _listed(row: Row) -> ClientRef | UnreadableRecord:
    """A client of a list, or why it cannot be read: it must not hide the others."""
    try:
        return read_client(row)
    except RowInvalid as error:
        return UnreadableRecord(error.reason, error.detail)


async def by_uid(api: BalanceApi, uid: str) -> ClientRef | None:
    """The client with this uid."""
    row = await api.one(CLIENTS, uid)
    return read_client(row) if row else None
