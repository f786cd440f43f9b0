"""Compares a new decision with the outbox: rows to add, replace and delete, dead letters to open and close."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from contracts.model import Event
from services.engine.outbox.dead_letters import (
    Parked,
    dead_letter_digest,
    dead_letter_id,
    dead_letter_of_delivery,
    make_settlement,
)
from services.engine.outbox.decision import Decision, Delivery, Refusal
from services.engine.outbox.outbox import BLOCKED, PENDING, WaitingRow
from services.engine.person_ids import personal_digest


@dataclass(slots=True)
class Changes:
    """What one decision changes."""

    add: list[Delivery] = field(default_factory=list)
    replace: list[Delivery] = field(default_factory=list)
    delete: list[str] = field(default_factory=list)
    announce: list[Event] = field(default_factory=list)
    check_again: bool = False


def reconcile(
    service: str,
    subject: str,
    decision: Decision,
    waiting: Mapping[str, WaitingRow],
    parked: Mapping[str, Parked],
    in_flight: Collection[str],
    now: datetime,
) -> Changes:
    """Compare a decision with the rows that wait and the dead letters that are parked for its subject.

    `in_flight` holds the ids of deliveries that are being sent: their rows are not deleted, but their subject is
    decided again later. A row with an unknown outcome is not deleted either: it may have been carried out.
    """
    changes = Changes(announce=list(decision.announce))
    wanted = {delivery.id: delivery for delivery in decision.deliveries}
    refused = {refusal.delivery.id: refusal for refusal in decision.refuse}
    if unwanted := [row for id_, row in waiting.items() if id_ not in wanted]:
        changes.delete = [row.id for row in unwanted if row.id not in in_flight and not row.unknowns]
        changes.check_again = any(row.id in in_flight for row in unwanted)
    for delivery in wanted.values():
        _place(changes, service, delivery, waiting.get(delivery.id), parked, now)
    for refusal in refused.values():
        changes.announce += _refuse(service, subject, refusal, parked, now)
    if parked:
        kept = {dead_letter_id(service, id_) for id_ in (*wanted, *refused)}
        left = [dead_letter for id_, dead_letter in parked.items() if id_ not in kept]
        changes.announce += [_close_overtaken(dead_letter, now) for dead_letter in left if _open(dead_letter)]
    return changes


def _open(parked: Parked) -> bool:
    return parked.state == "open" and parked.event.delivery is not None


def _place(
    changes: Changes,
    service: str,
    delivery: Delivery,
    row: WaitingRow | None,
    parked: Mapping[str, Parked],
    now: datetime,
) -> None:
    dead_letter = parked.get(dead_letter_id(service, delivery.id)) if parked else None
    blocked_on = delivery.blocked.on if delivery.blocked else None
    if dead_letter is not None and dead_letter.event.digest == dead_letter_digest(delivery.payload, blocked_on):
        return
    if dead_letter is not None and dead_letter.state == "open":
        changes.announce.append(_close_overtaken(dead_letter, now))
    if row is None:
        changes.add.append(delivery)
    elif row.digest != personal_digest(delivery.payload) or row.state != (BLOCKED if delivery.blocked else PENDING):
        changes.replace.append(delivery)


def _refuse(service: str, subject: str, refusal: Refusal, parked: Mapping[str, Parked], now: datetime) -> list[Event]:
    content: dict[str, Any] = {"payload": refusal.delivery.payload, "reason": refusal.reason, "detail": refusal.detail}
    digest = personal_digest(content)
    known = parked.get(dead_letter_id(service, refusal.delivery.id))
    if known is not None and known.event.digest == digest:
        return []
    return [dead_letter_of_delivery(service, subject, refusal.delivery, refusal.reason, refusal.detail, digest, now)]


def _close_overtaken(parked: Parked, now: datetime) -> Event:
    return make_settlement(parked.event, "overtaken", parked.event.service, "a newer state replaced it", now)
