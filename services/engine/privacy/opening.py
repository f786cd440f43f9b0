"""Reading: values of records with their person opened, as far as the keys are still there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from contracts.envelope import Undecodable
from contracts.reasons import Reason
from services.engine.kafka.record import Record
from services.engine.privacy.ring import KeyRing
from services.engine.privacy.sealing import BrokenSeal, kid_of, opened, under_seal
from services.settings.kafka import KafkaSettings

Read = bytes | Undecodable | None
"""An opened value, or why it does not open; None for a value that is not sealed."""


class Opener:
    """Opens what is sealed, with the keys of a ring."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    async def records(self, records: Sequence[Record]) -> Sequence[Record]:
        """The records, the sealed ones with what they say beside their bytes. Raises `KafkaError`."""
        read = await self.values([record.value for record in records])
        return [
            replace(record, opened=one) if one is not None else record
            for record, one in zip(records, read, strict=True)
        ]

    async def value(self, value: bytes | None) -> bytes | None:
        """The value as it is to be decoded. Raises `Undecodable` and `KafkaError`."""
        (read,) = await self.values([value])
        if isinstance(read, Undecodable):
            raise read
        return value if read is None else read

    async def values(self, values: Sequence[bytes | None]) -> list[Read]:
        """Many at once. Raises `KafkaError`."""
        read: list[Read] = [None] * len(values)
        kids: dict[int, str] = {}
        contents = {place: content for place, value in enumerate(values) if (content := under_seal(value))}
        for place, content in contents.items():
            try:
                kids[place] = kid_of(content["sealed"])
            except BrokenSeal as error:
                read[place] = _fault(error)
        keys = await self._ring.look_up(set(kids.values())) if kids else {}
        for place, kid in kids.items():
            try:
                read[place] = opened(contents[place], keys[kid])
            except BrokenSeal as error:
                read[place] = _fault(error)
        return read


def _fault(error: BrokenSeal) -> Undecodable:
    return Undecodable(Reason.RECORD_INVALID_DATA, str(error))


@asynccontextmanager
async def opening(settings: KafkaSettings) -> AsyncIterator[Opener]:
    """An opener with a ring of its own; Kafka is asked for keys only if something is sealed."""
    ring = KeyRing(settings)
    try:
        yield Opener(ring)
    finally:
        await ring.close()
