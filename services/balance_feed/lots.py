"""When lots expire: an extra, without which stock is stated all the same."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.reasons import Reason
from services.connectors.balance.rows import RowInvalid
from services.connectors.balance.series import lot
from services.engine.outbox.faults import Fault
from services.engine.outbox.upstream_errors import AccessDenied, Rejected

SUBJECT = "stock:lots"


@dataclass(frozen=True, slots=True)
class Lots:
    """The expiry of each lot that has one, by lot uid, and what was at fault (by subject)."""

    expiry: Mapping[str, datetime]
    faults: Mapping[str, Fault]


async def lots(rows: AsyncIterator[dict[str, Any]]) -> Lots:
    """All lots. Where they may not be read (API fact: 403 on some builds) there is none and a fault says so.

    Raises `Unavailable`: lots that are there must not seem to have lost their expiry for an hour.
    """
    expiry: dict[str, datetime] = {}
    faults: dict[str, Fault] = {}
    try:
        async for row in rows:
            _take(row, expiry, faults)
    except (AccessDenied, Rejected) as error:
        return Lots({}, {SUBJECT: _unread(error)})
    return Lots(expiry, faults)


def _take(row: dict[str, Any], expiry: dict[str, datetime], faults: dict[str, Fault]) -> None:
    try:
        known = lot(row)
    except RowInvalid as error:
        faults[f"{SUBJECT}:{error.uid or ''}"] = Fault(reason=error.reason, detail=error.detail)
        return
    if known.valid_until is not None:
        expiry[known.uid] = known.valid_until


def _unread(error: AccessDenied | Rejected) -> Fault:
    detail = f"{error.message}. Stock is stated without expiry dates; set balance.dialect.series to false to do without"
    return Fault(reason=Reason.BALANCE_UNREADABLE, detail=detail)
