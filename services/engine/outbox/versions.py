"""The versions of subjects as one transaction knows them: which were seen, and which the service issues next."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.envelope import Envelope
from contracts.model import Event
from services.engine.state.session import Slot
from services.engine.state.store import SubjectVersion, load_versions, save_versions


def slot_of(event: Event) -> Slot:
    """The topic and the subject of an event: versions are counted for each."""
    return event.TOPIC, event.subject


class Versions:
    """Versions by (topic, subject). Those that an event needs are loaded before its rule runs."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._known: dict[Slot, SubjectVersion] = {}
        self._seen: dict[Slot, SubjectVersion] = {}
        self._issued: dict[Slot, int] = {}

    async def load(self, slots: Iterable[Slot]) -> None:
        """Load the versions that are not in memory yet."""
        if unknown := [slot for slot in slots if slot not in self._known]:
            self._known.update(await load_versions(self._connection, unknown))

    def get(self, slot: Slot) -> SubjectVersion:
        """The newest version that was seen; 0 for an unknown subject."""
        return self._known.get(slot, SubjectVersion())

    def mark_seen(self, envelope: Envelope[Event]) -> None:
        """Record that an event was applied."""
        slot = slot_of(envelope.data)
        self._known[slot] = self._seen[slot] = SubjectVersion(envelope.sequence, envelope.time.timestamp())

    def issue(self, slot: Slot) -> int:
        """The next version of a subject, for an event of this service."""
        version = max(self.get(slot).version, self._issued.get(slot, 0)) + 1
        self._issued[slot] = version
        return version

    async def save(self) -> None:
        """Write the versions that were seen."""
        await save_versions(self._connection, self._seen)
