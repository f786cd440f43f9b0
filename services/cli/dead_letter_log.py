"""Dead letters as the command line sees them: all of them, from the topic, with what became of each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from contracts.operations import DeadLettered, DeadLetterSettled, FailedRecord
from services.engine.client.reader import read_events
from services.engine.kafka.record import restore_record, to_failed_record
from services.engine.outbox import dead_letters
from services.engine.privacy.opener import Opener, open_opener
from services.settings.model import KafkaSettings

DeadLetterEvent = DeadLettered | DeadLetterSettled


class DeadLetterNotFound(Exception):
    """No dead letter, or several, have an id that starts so."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A dead letter as it stands now. `settled` is None while it is open; `since` is when its trouble began.

    `opened` is its record with the person opened, if it has one that is sealed.
    """

    letter: DeadLettered
    since: datetime
    history: tuple[DeadLetterEvent, ...] = ()
    settled: DeadLetterSettled | None = None
    opened: FailedRecord | None = None

    @property
    def record(self) -> FailedRecord | None:
        """What it says of the record that failed, as a person reads it."""
        return self.opened or self.letter.record

    @property
    def id(self) -> str:
        """As much of its id as people type."""
        return self.letter.dead_letter[:8]

    @property
    def open(self) -> bool:
        """Whether it waits for a person."""
        return self.settled is None

    @property
    def subject(self) -> str:
        """What it is about: `shop:order`, `shop:item`, or the key of a record."""
        return dead_letters.subject_of(self.letter)

    @property
    def shop(self) -> str | None:
        """The shop that it is about, if it is about one."""
        return dead_letters.shop_of(self.letter)

    @property
    def order(self) -> int | None:
        """The order that it is about, if it is about one."""
        return dead_letters.order_of(self.letter)


async def read_dead_letters(settings: KafkaSettings) -> dict[str, DeadLetter]:
    """Every dead letter by id, in the order in which they came."""
    found: dict[str, DeadLetter] = {}
    async for envelope in read_events(settings, ["dead-letters"]):
        if isinstance(envelope.data, DeadLettered | DeadLetterSettled):
            apply_dead_letter_event(found, envelope.data)
    async with open_opener(settings) as opener:
        return {id_: await _opened(letter, opener) for id_, letter in found.items()}


async def _opened(letter: DeadLetter, opener: Opener) -> DeadLetter:
    """One that does not open is shown as it is."""
    if letter.letter.record is None:
        return letter
    (read,) = await opener.records([restore_record(letter.letter.record)])
    opened = to_failed_record(replace(read, value=read.opened)) if isinstance(read.opened, bytes) else None
    return replace(letter, opened=opened)


def apply_dead_letter_event(letters: dict[str, DeadLetter], event: DeadLetterEvent) -> None:
    """Note what an event says. A letter that was replayed in vain has its trouble since the first time."""
    known = letters.get(event.dead_letter)
    if isinstance(event, DeadLettered):
        history = (*known.history, event) if known else (event,)
        in_vain = known is not None and event.replays > 0
        letters[event.dead_letter] = DeadLetter(event, known.since if known and in_vain else event.at, history)
    elif known is not None:
        letters[event.dead_letter] = replace(known, settled=event, history=(*known.history, event))


def find_dead_letter(letters: dict[str, DeadLetter], start: str) -> DeadLetter:
    """The letter whose id starts so. Raises `NoSuchLetter`."""
    found = [letter for id_, letter in letters.items() if id_.startswith(start)]
    if len(found) != 1:
        what = "no dead letter has" if not found else f"{len(found)} dead letters have"
        raise DeadLetterNotFound(f"{what} an id that starts with {start!r}; davtari dead-letters list shows them")
    return found[0]
