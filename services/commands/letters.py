"""Dead letters as the command line sees them: all of them, from the topic, with what is open."""

from __future__ import annotations

from dataclasses import dataclass

from contracts.operations import DeadLettered, DeadLetterSettled
from services.shared.messaging.reader import read_events
from services.shared.settings.model import KafkaSettings


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter with what became of it; `settled` is None while it is open."""

    letter: DeadLettered
    settled: DeadLetterSettled | None = None

    @property
    def open(self) -> bool:
        """Whether it waits for a person."""
        return self.settled is None


class NoSuchLetter(Exception):
    """No dead letter, or several, have an id that starts so."""


async def all_letters(settings: KafkaSettings) -> dict[str, Letter]:
    """Every dead letter by id, in the order in which they came."""
    found: dict[str, Letter] = {}
    async for envelope in read_events(settings, ["dead-letters"]):
        match envelope.data:
            case DeadLettered() as letter:
                found[letter.dead_letter] = Letter(letter)
            case DeadLetterSettled() as settled if settled.dead_letter in found:
                found[settled.dead_letter] = Letter(found[settled.dead_letter].letter, settled)
    return found


def pick(letters: dict[str, Letter], start: str) -> Letter:
    """The letter whose id starts so. Raises `NoSuchLetter`."""
    found = [letter for id_, letter in letters.items() if id_.startswith(start)]
    if len(found) != 1:
        what = "no dead letter has" if not found else f"{len(found)} dead letters have"
        raise NoSuchLetter(f"{what} an id that starts with {start!r}; davtari dead-letters list shows them")
    return found[0]
