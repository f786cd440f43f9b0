"""Deliveries that a person has corrected: they are sent under a new id, instead of those that were refused.

An edit is valid as long as the service would still make the delivery that was refused. When that changes (a newer
order, other settings), the service sends what it computes now, and the edit is dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from contracts.model import Part
from contracts.operations import DeadLettered, EditRequested
from services.engine.outbox.dead_letters import PERSON, Parked, dead_letter_digest, dead_letter_id
from services.engine.outbox.decision import Decision, Delivery
from services.engine.person_ids import personal_digest
from services.engine.state.records import Kind


class Edit(Part):
    """The payload to send instead of the one of this dead letter."""

    dead_letter: str
    payload: dict[str, Any]


EDIT = Kind("edit", Edit)
"""By the id of the new delivery."""


def make_edit(command: EditRequested) -> Edit:
    """The edit that a command requests."""
    person = {} if command.person is None else {PERSON: command.person}
    return Edit(dead_letter=command.dead_letter, payload={**command.payload, **person})


def full_payload(dead_letter: DeadLettered) -> dict[str, Any]:
    """The payload that was sent, with its person; empty if the dead letter is not about a delivery."""
    if dead_letter.delivery is None:
        return {}
    return dead_letter.delivery.payload | ({} if dead_letter.person is None else {PERSON: dead_letter.person})


def is_editable(dead_letter: DeadLettered) -> bool:
    """Whether there is something to correct: a record, or a delivery that was really sent.

    A delivery that was refused before it was computed, or that waited too long, has no complete payload.
    """
    return dead_letter.record is not None or (
        dead_letter.delivery is not None and dead_letter.digest == personal_digest(full_payload(dead_letter))
    )


def find_replacements(parked: Mapping[str, Mapping[str, Parked]]) -> set[str]:
    """The ids of the deliveries that replace those of these dead letters."""
    return {one.replacement for dead_letters in parked.values() for one in dead_letters.values() if one.replacement}


def apply_edits(service: str, decision: Decision, parked: Mapping[str, Parked], edits: Mapping[str, Edit]) -> Decision:
    """The decision with the edits of its deliveries; an edit may have been edited again."""
    if not edits:
        return decision
    wanted = {delivery.id: delivery for delivery in decision.deliveries}
    queue = list(decision.deliveries)
    while queue:
        delivery = queue.pop()
        edited = _replacement_of(delivery, parked.get(dead_letter_id(service, delivery.id)), edits)
        if edited is not None and edited.id not in wanted:
            wanted[edited.id] = edited
            queue.append(edited)
    return replace(decision, deliveries=tuple(wanted.values()))


def _replacement_of(delivery: Delivery, parked: Parked | None, edits: Mapping[str, Edit]) -> Delivery | None:
    if parked is None or parked.state != "edited" or parked.replacement not in edits:
        return None
    blocked_on = delivery.blocked.on if delivery.blocked else None
    if parked.event.digest != dead_letter_digest(delivery.payload, blocked_on):
        return None
    return replace(delivery, id=parked.replacement, payload=edits[parked.replacement].payload)
