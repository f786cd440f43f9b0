"""A kind of record that has a table of its own, for the tests of the state."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from sqlalchemy import BigInteger, Boolean, Column, Float, MetaData, String

from contracts.model import Content, Part
from services.engine.state.records import Kind
from services.engine.state.tables import record_table


class Parcel(Part):
    """A record with an amount, a moment and somebody's name."""

    label: str
    amount: Decimal = Decimal(0)
    sent_at: datetime = datetime(2026, 3, 2, tzinfo=UTC)
    lost: bool = False
    person_ref: str = ""
    person: Content | None = None

    @property
    def name(self) -> str:
        """Whose parcel it is."""
        return str(self.person["name"]) if self.person else ""


parcels = record_table(
    "parcels",
    MetaData(),
    Column("label", String, nullable=False, index=True),
    Column("amount", BigInteger, nullable=False),
    Column("sent_at", Float, nullable=False),
    Column("lost", Boolean, nullable=False),
    Column("name", String, nullable=False),
)
PARCEL = Kind("parcel", Parcel, parcels)
