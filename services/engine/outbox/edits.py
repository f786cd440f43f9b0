"""Deliveries that a person has put right: they leave under a new id, in place of those that were refused.

An edit holds as long as the service would still make the very delivery that was refused. When that changes (a newer
order, other settings), what the service computes now is made, and the edit is taken back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from contracts.model import Part
from contracts.operations import DeadLettered, EditRequested
from services.engine.outbox.dead_letters import PERSON, Parked, dead_letter_digest, dead_letter_id, digest_of
from services.engine.outbox.decision import Decision, Delivery
from services.engine.state.records import Kind


class Edit(Part):
    """The payload that is tried in place of the one of this dead letter."""

    dead_letter: str
    payload: dict[str, Any]


EDIT = Kind("edit", Edit)
"""By the id of the new delivery."""


def make_edit(command: EditRequested) -> Edit:
    """What a command asks to try."""
    person = {} if command.person is None else {PERSON: command.person}
    return Edit(dead_letter=command.dead_letter, payload={**command.payload, **person})


def full_payload(letter: DeadLettered) -> dict[str, Any]:
    """What was sent, with its person; empty where the letter is about no delivery."""
    if letter.delivery is None:
        return {}
    return letter.delivery.payload | ({} if letter.person is None else {PERSON: letter.person})


def is_editable(letter: DeadLettered) -> bool:
    """Whether there is something to put right: a record, or a delivery that was really sent.

    A delivery that was refused before it was computed, or that waited in vain, has no payload worth the name.
    """
    return letter.record is not None or (
        letter.delivery is not None and letter.digest == digest_of(full_payload(letter))
    )


def find_replacements(parked: Mapping[str, Mapping[str, Parked]]) -> set[str]:
    """The ids of all that is tried in place of these letters' deliveries."""
    return {one.replacement for letters in parked.values() for one in letters.values() if one.replacement}


def apply_edits(service: str, decision: Decision, parked: Mapping[str, Parked], edits: Mapping[str, Edit]) -> Decision:
    """The decision with the edits of the deliveries that it asks for; an edit may have been edited again."""
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
    if parked.letter.digest != dead_letter_digest(delivery.payload, blocked_on):
        return None
    return replace(delivery, id=parked.replacement, payload=edits[parked.replacement].payload)
