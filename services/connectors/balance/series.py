"""Lots (batches) of items (balance-api 2.2): what stock rows mean by `Series`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.connectors.balance.fields import moment, needed_reference, reference, text
from services.connectors.balance.rows import Row, reading

RESOURCE = "ItemsSeries"


@dataclass(frozen=True, slots=True)
class Lot:
    """A lot of an item; `valid_until` in UTC is the start of that day in Tbilisi."""

    uid: str
    item: str
    name: str | None
    number: str | None
    valid_until: datetime | None


def lot(row: Row) -> Lot:
    """The lot in a row. Raises `RowInvalid` without uid or item, or for a date that is none."""
    with reading(RESOURCE, reference(row, "uid")):
        return Lot(
            uid=needed_reference(row, "uid"),
            item=needed_reference(row, "Item"),
            name=text(row, "Name"),
            number=text(row, "SeriesNumber"),
            valid_until=moment(row, "ValidUntil"),
        )
