"""Events are measured before they enter the outbox: one that its topic refuses would hold up all events after it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeGuard

from contracts.envelope import Cause
from contracts.model import Event
from contracts.operations import DeadLettered
from contracts.reasons import Reason
from contracts.topics import largest_event
from services.engine.outbox.dead_letters import Parked, dead_letter_id

LONGEST_DETAIL = 2000
"""Characters that are kept of the detail of a dead letter without its body."""


Caused = tuple[Event, Cause | None]
FindParked = Callable[[Iterable[str]], Awaitable[Mapping[str, Parked]]]
"""Finds dead letters of this service by id."""


async def fit_events(service: str, pairs: Sequence[Caused], find: FindParked, now: datetime) -> list[Caused]:
    """The events that their topics take, and dead letters about the others, each once while it is open."""
    fitted = [(fit(service, event, now), cause) for event, cause in pairs]
    new = {event.dead_letter for event, _ in fitted if is_about_size(event)}
    known = {id_ for id_, one in (await find(new)).items() if one.state == "open"} if new else set()
    return [(event, cause) for event, cause in fitted if not (is_about_size(event) and event.dead_letter in known)]


def fit(service: str, event: Event, now: datetime) -> Event:
    """The event if its topic takes it; else the dead letter about it, without its body."""
    size = published_size(event)
    if size <= largest_event(event.TOPIC):
        return event
    if isinstance(event, DeadLettered):
        return _without_body(event, size)
    return _dead_letter(service, event, size, now)


def is_about_size(event: Event) -> TypeGuard[DeadLettered]:
    """Whether this is the dead letter about an event that is too large."""
    return isinstance(event, DeadLettered) and event.reason == Reason.EVENT_TOO_LARGE


def published_size(event: Event) -> int:
    """The bytes of the event's value at most; sealed personal data is a third longer."""
    size = len(event.model_dump_json().encode())
    return size * 4 // 3 if getattr(event, "person", None) else size


def _without_body(dead_letter: DeadLettered, size: int) -> DeadLettered:
    note = f" (its content, {size} bytes in all, is left out)"
    delivery = dead_letter.delivery
    changes = {
        "detail": dead_letter.detail[:LONGEST_DETAIL] + note,
        "record": None,
        "delivery": delivery.model_copy(update={"payload": {}, "attempts": ()}) if delivery else None,
        "person": None,
    }
    return dead_letter.model_copy(update=changes)


def _dead_letter(service: str, event: Event, size: int, now: datetime) -> DeadLettered:
    about = f"{event.TYPE} of {event.subject}"
    return DeadLettered(
        dead_letter=dead_letter_id(service, f"too large: {about}"),
        service=service,
        original_key=event.key,
        reason=Reason.EVENT_TOO_LARGE,
        detail=f"{about} has {size} bytes; the topic {event.TOPIC} takes {largest_event(event.TOPIC)}",
        about=about,
        digest=Reason.EVENT_TOO_LARGE,
        at=now,
    )
