"""Kinds of records for the tests of the state."""

from __future__ import annotations

from datetime import UTC, datetime

from contracts.model import Part
from services.engine.state.records import Kind


class Note(Part):
    """A record of a projection."""

    text: str


NOW = datetime(2026, 3, 2, tzinfo=UTC)
NOTE = Kind("note", Note)
OTHER = Kind("other", Note)
