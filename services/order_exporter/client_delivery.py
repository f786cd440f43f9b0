"""Finding a buyer's client in Balance, or creating it (claims K10, S3.28, S3.30): an existing one is never changed."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol

from contracts.ledger import ClientRecorded
from services.accounting.contacts import NORMALIZERS
from services.connectors.balance.clients import ClientRef
from services.connectors.balance.fields import RowInvalid
from services.connectors.http.listing import UnreadableRecord, skip_unreadable
from services.engine.outbox.lane import Deliver, Row
from services.engine.outbox.outcome import Done, Outcome, Refused, Unknown
from services.engine.outbox.upstream_errors import UpstreamError, outcome_of
from services.order_exporter.tasks import ClientTask

# Whose phone or e-mail it is, in all of Balance: exactly one client counts, two are nobody (claim S3.27).

log = logging.getLogger(__name__)
REFRESH_AFTER = timedelta(minutes=10)
"""How often all clients are read at most; Balance cannot search for a phone in another spelling."""


class ClientSource(Protocol):
    """All clients of a Balance company."""

    def every_client(self) -> AsyncIterator[ClientRef | UnreadableRecord]:
        """Every client that is neither a folder nor marked for deletion."""


class ContactBook:
    """The clients of Balance by phone and e-mail (claim S3.27)."""

    def __init__(self, balance: ClientSource, clock: Callable[[], datetime]) -> None:
        self._balance, self._clock = balance, clock
        self._read_at: datetime | None = None
        self._owners: Mapping[tuple[str, str], Mapping[str, ClientRef]] = {}

    async def owners(self, contacts: Mapping[str, str]) -> list[ClientRef]:
        """Every client with one of these contacts (`{"phone": …, "email": …}`, normalized by `SAME`).

        Raises `UpstreamError`, and `RowInvalid` for a client that cannot be read.
        """
        if self._read_at is None or self._clock() - self._read_at > REFRESH_AFTER:
            started = self._clock()
            self._owners = await self._read()
            self._read_at = started
        found = {uid: ref for item in contacts.items() for uid, ref in self._owners.get(item, {}).items()}
        return sorted(found.values(), key=lambda ref: ref.uid)

    async def _read(self) -> Mapping[tuple[str, str], Mapping[str, ClientRef]]:
        owners: dict[tuple[str, str], dict[str, ClientRef]] = defaultdict(dict)
        left_out: list[UnreadableRecord] = []
        async for ref in skip_unreadable(self._balance.every_client(), left_out):
            for sort, written in (("phone", ref.phones), ("email", ref.emails)):
                for same in {NORMALIZERS[sort](text) for text in written} - {""}:
                    owners[sort, same][ref.uid] = ref
        if left_out:
            log.warning("clients left out", extra={"count": len(left_out), "why": left_out[0].detail})
        return owners


How = Literal["found", "created"]
SEVERAL = "{count} clients of Balance have the buyer's phone or e-mail: retail client"


class Clients(ClientSource, Protocol):
    """The clients of a Balance company."""

    async def client_by_id(self, personal_or_company_id: str) -> ClientRef | None:
        """The client with this personal or company number, or None."""

    async def put_client(self, document: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Create or replace a client; returns the echo, if there is one."""


def deliver_clients(balance: Clients, clock: Callable[[], datetime]) -> Deliver:
    """The effect of the lane `balance.clients` for the clients of orders."""
    book = ContactBook(balance, clock)

    async def deliver(rows: Sequence[Row]) -> Sequence[Outcome]:
        return await asyncio.gather(*(_deliver(row, balance, book, clock) for row in rows))

    return deliver


async def _deliver(row: Row, balance: Clients, book: ContactBook, clock: Callable[[], datetime]) -> Outcome:
    task = ClientTask.model_validate(row.payload)
    try:
        if task.by == "contact":
            return Done((_match_by_contact(task, await book.owners(task.person), row, clock()),))
        found = await balance.client_by_id(task.person["ID"])
        if found is None and task.create:
            return await _create(task, row, balance, clock)
    except UpstreamError as error:
        return outcome_of(error)
    except RowInvalid as error:
        return Refused(error.reason, error.detail)
    return Done((_client_recorded(task, found, "found", row, clock()),))


def _match_by_contact(task: ClientTask, owners: Sequence[ClientRef], row: Row, now: datetime) -> ClientRecorded:
    """The client with these contacts. If there are several, none is used, and the event states that."""
    detail = SEVERAL.format(count=len(owners)) if len(owners) > 1 else ""
    return _client_recorded(task, owners[0] if len(owners) == 1 else None, "found", row, now, detail)


async def _create(task: ClientTask, row: Row, balance: Clients, clock: Callable[[], datetime]) -> Outcome:
    await balance.put_client(task.person)
    created = await balance.client_by_id(task.person["ID"])
    if created is None:
        return Unknown("Balance confirmed the new client but does not find it by its number yet")
    return Done((_client_recorded(task, created, "created", row, clock()),))


def _client_recorded(
    task: ClientTask,
    client: ClientRef | None,
    how: Literal["found", "created"],
    row: Row,
    now: datetime,
    detail: str = "",
) -> ClientRecorded:
    return ClientRecorded(
        shop=task.shop,
        order_id=task.order_id,
        person_ref=task.person_ref,
        client=client.uid if client else str(task.retail),
        how=how,
        identity=task.identity,
        retail=client is None,
        code=client.code if client else None,
        detail=detail,
        recorded_at=now,
        attempts=row.attempts,
    )
