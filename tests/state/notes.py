"""Records for the tests of the projection."""

from __future__ import annotations

from services.shared.state.records import Kind
from contracts.model import Part


class Note(Part):
    """A record of a projection."""

    text: str


NOTE = Kind("note", Note)
OTHER = Kind("other", Note)
