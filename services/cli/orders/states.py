"""In which states orders and refunds are on their way to the books."""

from __future__ import annotations

from typing import Literal

from services.cli.day_close.causes import Cause
from services.cli.day_close.facts import OrderHistory

State = Literal[
    "in the books", "needs a person", "not readable", "to be approved", "reserved", "held", "due", "waits for its Sale",
    "watching", "booked by hand", "part of another order", "nothing to credit", "given up", "removed",
]  # fmt: skip
SETTLED = frozenset({"in the books", "part of another order", "nothing to credit", "given up", "removed"})
"""Nothing follows any more."""
QUIET = SETTLED | {"watching", "booked by hand"}
"""Nothing waits for a document of ours."""


def discarded(story: OrderHistory, about: tuple[str, ...]) -> str:
    """By whom, and why, the newest dead letter about these deliveries was given up; empty where it was not."""
    own = [one for one in story.letters.values() if one.service.endswith("exporter") and one.about.startswith(about)]
    settled = story.settled.get(own[-1].dead_letter) if own else None
    return f"given up by {settled.by}: {settled.why}" if settled and settled.how == "discarded" else ""


def letter_of(story: OrderHistory, about: tuple[str, ...]) -> Cause | None:
    """The first open dead letter of an exporter about any of these deliveries, with its reason and how to see it."""
    letters = (letter for letter in story.letters.values() if letter.dead_letter not in story.settled)
    own = (one for one in letters if one.service.endswith("exporter") and one.about.startswith(about))
    found = next(own, None)
    if found is None:
        return None
    return Cause(f"{found.reason}: davtari dead-letters show {found.dead_letter[:8]}", found.reason)
