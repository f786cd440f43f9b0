"""Decrypts the personal data in records that were read, as far as the keys still exist."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from contracts.envelope import Undecodable
from contracts.reasons import Reason
from services.engine.kafka.record import Record
from services.engine.privacy.key_ring import KeyRing, open_key_ring
from services.engine.privacy.sealing import BrokenSeal, kid_of, open_value, sealed_content
from services.settings.model import Settings

OpenedValue = bytes | Undecodable | None
"""A decrypted value, or why it cannot be decrypted; None for a value that is not sealed."""


class Opener:
    """Opens sealed values with the keys of a ring."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    async def records(self, records: Sequence[Record]) -> Sequence[Record]:
        """The records; sealed ones have their decrypted value in `opened`. Raises `KafkaError`.

        A record that must not be read stays as it is.
        """
        opened = await self.values([record.value if record.opened is None else None for record in records])
        return [
            replace(record, opened=one) if one is not None else record
            for record, one in zip(records, opened, strict=True)
        ]

    async def value(self, value: bytes | None) -> bytes | None:
        """The value, ready to be decoded. Raises `Undecodable` and `KafkaError`."""
        (opened,) = await self.values([value])
        if isinstance(opened, Undecodable):
            raise opened
        return value if opened is None else opened

    async def values(self, values: Sequence[bytes | None]) -> list[OpenedValue]:
        """Many at once. Raises `KafkaError`."""
        opened: list[OpenedValue] = [None] * len(values)
        kids: dict[int, str] = {}
        contents = {index: content for index, value in enumerate(values) if (content := sealed_content(value))}
        for index, content in contents.items():
            try:
                kids[index] = kid_of(content["sealed"])
            except BrokenSeal as error:
                opened[index] = _undecodable(error)
        keys = await self._ring.look_up(set(kids.values())) if kids else {}
        for index, kid in kids.items():
            try:
                opened[index] = open_value(contents[index], keys[kid])
            except BrokenSeal as error:
                opened[index] = _undecodable(error)
        return opened


async def leave_people_out(records: Sequence[Record]) -> Sequence[Record]:
    """The records as after a person was forgotten, for a service that has no keys.

    A record that must not be read stays as it is.
    """
    contents = [sealed_content(record.value) if record.opened is None else None for record in records]
    return [
        replace(record, opened=open_value(content, None)) if content else record
        for record, content in zip(records, contents, strict=True)
    ]


def _undecodable(error: BrokenSeal) -> Undecodable:
    return Undecodable(Reason.RECORD_INVALID_DATA, str(error))


@asynccontextmanager
async def open_opener(settings: Settings) -> AsyncIterator[Opener]:
    """An opener with its own key ring; Kafka is read only if a value is sealed."""
    ring = open_key_ring(settings)
    try:
        yield Opener(ring)
    finally:
        await ring.close()
