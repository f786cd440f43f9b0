"""Whose phone or e-mail it is, in all of Balance: exactly one client counts, two are nobody (claim S3.27)."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from services.accounting.contacts.same import SAME
from services.connectors.balance.clients import ClientRef
from services.connectors.http.unreadable import Unreadable, readable

log = logging.getLogger(__name__)
GOOD_FOR = timedelta(minutes=10)
"""All clients are read at most so often: no filter of Balance finds a phone in another spelling."""


class Register(Protocol):
    """All clients of a Balance."""

    def every_client(self) -> AsyncIterator[ClientRef | Unreadable]:
        """Each that is neither a folder nor marked for deletion."""


class ContactBook:
    """Clients by phone and e-mail."""

    def __init__(self, balance: Register, clock: Callable[[], datetime]) -> None:
        self._balance, self._clock = balance, clock
        self._read_at: datetime | None = None
        self._owners: Mapping[tuple[str, str], Mapping[str, ClientRef]] = {}

    async def owners(self, contacts: Mapping[str, str]) -> list[ClientRef]:
        """Every client with one of these contacts (`{"phone": …, "email": …}` as `SAME` spells them).

        Raises `UpstreamError`, and `RowInvalid` for a client that cannot be read.
        """
        if self._read_at is None or self._clock() - self._read_at > GOOD_FOR:
            started = self._clock()
            self._owners = await self._read()
            self._read_at = started
        found = {uid: ref for item in contacts.items() for uid, ref in self._owners.get(item, {}).items()}
        return sorted(found.values(), key=lambda ref: ref.uid)

    async def _read(self) -> Mapping[tuple[str, str], Mapping[str, ClientRef]]:
        owners: dict[tuple[str, str], dict[str, ClientRef]] = defaultdict(dict)
        left_out: list[Unreadable] = []
        async for ref in readable(self._balance.every_client(), left_out):
            for sort, written in (("phone", ref.phones), ("email", ref.emails)):
                for same in {SAME[sort](text) for text in written} - {""}:
                    owners[sort, same][ref.uid] = ref
        if left_out:
            log.warning("clients left out", extra={"count": len(left_out), "why": left_out[0].detail})
        return owners
