"""Finding a buyer's client in Balance, or creating it (claims K10, S3.28, S3.30): an existing one is never changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol

from contracts.ledger import ClientRecorded
from services.order_exporter.tasks import ClientTask
from services.shared.balance.clients import ClientRef
from services.shared.balance.rows import RowInvalid
from services.shared.delivery.failure import outcome_of
from services.shared.delivery.lane import Deliver
from services.shared.delivery.outcome import Done, Outcome, Refused, Unknown
from services.shared.delivery.row import Row
from services.shared.upstream.errors import UpstreamError


class Clients(Protocol):
    """The clients of a Balance."""

    async def client_by_id(self, personal_or_company_id: str) -> ClientRef | None:
        """The client with this personal or company number, or None."""

    async def put_client(self, document: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Create or replace a client; the echo, if there is one."""


def deliver_clients(balance: Clients, clock: Callable[[], datetime]) -> Deliver:
    """The effect of the lane `balance.clients`."""

    async def deliver(rows: Sequence[Row]) -> Sequence[Outcome]:
        return await asyncio.gather(*(_deliver(row, balance, clock) for row in rows))

    return deliver


async def _deliver(row: Row, balance: Clients, clock: Callable[[], datetime]) -> Outcome:
    task = ClientTask.model_validate(row.payload)
    try:
        found = await balance.client_by_id(task.person["ID"])
        if found is None and task.create:
            return await _create(task, row, balance, clock)
    except UpstreamError as error:
        return outcome_of(error)
    except RowInvalid as error:
        return Refused(error.reason, error.detail)
    return Done((_recorded(task, found.uid if found else None, "found", row, clock()),))


async def _create(task: ClientTask, row: Row, balance: Clients, clock: Callable[[], datetime]) -> Outcome:
    await balance.put_client(task.person)
    created = await balance.client_by_id(task.person["ID"])
    if created is None:
        return Unknown("Balance confirmed the new client and does not show it under its number yet")
    return Done((_recorded(task, created.uid, "created", row, clock()),))


def _recorded(
    task: ClientTask, client: str | None, how: Literal["found", "created"], row: Row, now: datetime
) -> ClientRecorded:
    return ClientRecorded(
        shop=task.shop,
        order_id=task.order_id,
        person_ref=task.person_ref,
        client=client or str(task.retail),
        how=how,
        identity=task.identity,
        retail=client is None,
        recorded_at=now,
        attempts=row.attempts,
    )
