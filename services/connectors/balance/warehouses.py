"""Warehouses (balance-api 2.6)."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from services.connectors.balance.fields import deleted, needed_reference, reference, text
from services.connectors.balance.rows import Row, RowInvalid, reading

log = logging.getLogger(__name__)
RESOURCE = "Warehouses"


@dataclass(frozen=True, slots=True)
class Warehouse:
    """A warehouse; without a name it is called by its uid."""

    uid: str
    name: str
    address: str | None
    deleted: bool


def readable_warehouse(row: Row) -> Warehouse | None:
    """The warehouse in a row of a list; one that cannot be read is logged, so that the others are used."""
    try:
        return warehouse(row)
    except RowInvalid as error:
        log.warning("a warehouse was left out", extra={"why": error.detail})
        return None


def warehouse(row: Row) -> Warehouse:
    """The warehouse in a row. Raises `RowInvalid` without uid. API fact: the address is spelt `Adress`."""
    with reading(RESOURCE, reference(row, "uid")):
        uid = needed_reference(row, "uid")
        address = text(row, "Adress") or text(row, "Address")
        return Warehouse(uid, text(row, "Name") or uid, address, deleted(row))
