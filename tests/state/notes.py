"""Records for the tests of the projection."""

from __future__ import annotations

from contracts.model import Part
from services.engine.state.records import Kind


class Note(Part):
    """A record of a projection."""

    text: str


NOTE = Kind("note", Note)
OTHER = Kind("other", Note)
