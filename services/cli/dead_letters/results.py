"""What came of a replay, from what the topics have said since."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from contracts.ledger import ClientRecorded
from contracts.model import Event
from contracts.operations import CommandSettled, DeadLettered, DeadLetterSettled, EditRequested, ReplayRequested
from services.cli.dead_letter_log import DeadLetter
from services.cli.order.said import said

How = Literal["done", "nothing to do", "under way", "failed again", "stays", "refused", "no answer"]
WELL: tuple[How, ...] = ("done", "nothing to do", "under way")
FAILED, NO_ANSWER = 1, 3


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one letter, and the words for it."""

    letter: DeadLetter
    how: How
    told: str

    def plain(self) -> dict[str, Any]:
        """The result as data."""
        one = self.letter.letter
        return {"dead_letter": one.dead_letter, "about": one.about, "result": self.how, "told": self.told}


def result(letter: DeadLetter, story: Sequence[Event], tried: str = "") -> Result | None:
    """What is known by now, from what has followed; None while it is open.

    `tried` is the delivery that was sent, if it is not the letter's own.
    """
    answer = next((event for event in story if isinstance(event, CommandSettled)), None)
    if answer is None:
        return None
    if answer.outcome == "refused":
        already = "was already" in answer.detail
        return Result(letter, "nothing to do" if already else "refused", answer.detail)
    found = [event for event in story if _is_outcome(event, letter, tried or letter.letter.about)]
    return _judged(letter, found[-1]) if found else None


def _is_outcome(event: Event, letter: DeadLetter, tried: str) -> bool:
    """The client of an order is on the way to its Sale, not the end of it."""
    match event:
        case DeadLettered():
            return event.about == tried
        case ClientRecorded():
            return tried.startswith("client:")
        case _:
            return not isinstance(event, CommandSettled | DeadLetterSettled | ReplayRequested | EditRequested)


def _judged(letter: DeadLetter, event: Event) -> Result:
    if isinstance(event, DeadLettered):
        return Result(letter, "failed again", f"{event.reason}: {event.detail}")
    return Result(letter, "done", said(event))


def silent(letter: DeadLetter, story: Sequence[Event], patience: float) -> Result:
    """What to say when nothing is known after so many seconds."""
    if not any(isinstance(event, CommandSettled) for event in story):
        return Result(letter, "no answer", f"{letter.letter.service} has not answered within {patience:g} s: does it "
                      "run? The command is kept and will be carried out (davtari status)")  # fmt: skip
    if letter.letter.record:
        return Result(letter, "done", "the record was read again, and handled this time")
    where = f": davtari order {letter.order} --shop {letter.shop}" if letter.order else ""
    return Result(letter, "under way", f"{letter.letter.service} has taken it up, nothing came of it yet{where}")


def exit_code(results: Iterable[Result]) -> int:
    """0 when nothing is left to do, 3 when a service did not answer, else 1."""
    found = {one.how for one in results}
    if "no answer" in found:
        return NO_ANSWER
    return 0 if found <= set(WELL) else FAILED


def summary(results: Iterable[Result]) -> str:
    """How many of each, in one line."""
    counted = Counter(one.how for one in results)
    return " · ".join(f"{count} {how}" for how, count in counted.most_common()) or "nothing to replay"
