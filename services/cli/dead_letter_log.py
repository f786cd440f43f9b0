"""All dead letters of the topic, each with its history."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from contracts.operations import DeadLettered, DeadLetterSettled, FailedRecord
from services.engine.client.reader import read_events
from services.engine.kafka.record import restore_record, to_failed_record
from services.engine.outbox import dead_letters as subjects
from services.engine.privacy.opener import Opener, open_opener
from services.settings.model import Settings

DeadLetterEvent = DeadLettered | DeadLetterSettled


class DeadLetterNotFound(Exception):
    """No dead letter, or more than one, has an id with that prefix."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A dead letter with its history. `settled` is None while it is open; `since` is the time of the first failure.

    `opened` is the failed record with its personal data in clear, if that was sealed.
    """

    event: DeadLettered
    since: datetime
    history: tuple[DeadLetterEvent, ...] = ()
    settled: DeadLetterSettled | None = None
    opened: FailedRecord | None = None

    @property
    def record(self) -> FailedRecord | None:
        """The failed record, with personal data in clear if possible."""
        return self.opened or self.event.record

    @property
    def id(self) -> str:
        """The first characters of its id, as people type them."""
        return self.event.dead_letter[:8]

    @property
    def open(self) -> bool:
        """Whether it still waits for a person."""
        return self.settled is None

    @property
    def subject(self) -> str:
        """Its subject: `shop:order`, `shop:item`, or the key of a record."""
        return subjects.subject_of(self.event)

    @property
    def shop(self) -> str | None:
        """Its shop, if it has one."""
        return subjects.shop_of(self.event)

    @property
    def order(self) -> int | None:
        """Its order, if it has one."""
        return subjects.order_of(self.event)


async def read_dead_letters(settings: Settings) -> dict[str, DeadLetter]:
    """Read all dead letters from Kafka: by id, in the order of their creation."""
    found: dict[str, DeadLetter] = {}
    async for envelope in read_events(settings, ["dead-letters"]):
        if isinstance(envelope.data, DeadLettered | DeadLetterSettled):
            apply_dead_letter_event(found, envelope.data)
    async with open_opener(settings) as opener:
        return {id_: await _open_record(one, opener) for id_, one in found.items()}


async def _open_record(dead_letter: DeadLetter, opener: Opener) -> DeadLetter:
    """Open the sealed record of a dead letter; unchanged if it cannot be opened."""
    if dead_letter.event.record is None:
        return dead_letter
    (read,) = await opener.records([restore_record(dead_letter.event.record)])
    opened = to_failed_record(replace(read, value=read.opened)) if isinstance(read.opened, bytes) else None
    return replace(dead_letter, opened=opened)


def apply_dead_letter_event(dead_letters: dict[str, DeadLetter], event: DeadLetterEvent) -> None:
    """Apply an event. After a failed replay, or when its cause is back, `since` stays the time of the first failure."""
    known = dead_letters.get(event.dead_letter)
    if isinstance(event, DeadLettered):
        history = (*known.history, event) if known else (event,)
        failed_again = known is not None and (event.replays > 0 or event.returns > 0)
        dead_letters[event.dead_letter] = DeadLetter(
            event, known.since if known and failed_again else event.at, history
        )
    elif known is not None:
        dead_letters[event.dead_letter] = replace(known, settled=event, history=(*known.history, event))


def find_dead_letter(dead_letters: dict[str, DeadLetter], start: str) -> DeadLetter:
    """The dead letter whose id starts with `start`. Raises `DeadLetterNotFound`."""
    found = [one for id_, one in dead_letters.items() if id_.startswith(start)]
    if len(found) != 1:
        count = "No dead letter has" if not found else f"{len(found)} dead letters have"
        raise DeadLetterNotFound(f"{count} an id that starts with {start!r}; see davtari dead-letters list")
    return found[0]
