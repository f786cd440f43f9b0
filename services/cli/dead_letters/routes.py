"""Where each dead letter goes when it is replayed, and what will happen there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from services.cli.dead_letter_log import DeadLetter
from services.engine.outbox.edits import editable


@dataclass(frozen=True, slots=True)
class Route:
    """One letter's way. `stays` says why it is not sent; it is empty for one that is."""

    letter: DeadLetter
    target: str
    happens: str
    stays: str = ""

    def plain(self) -> dict[str, Any]:
        """The way as data."""
        told = self.letter.letter
        return {
            "dead_letter": told.dead_letter,
            "reason": told.reason,
            "about": told.about,
            "service": told.service,
            "target": self.target,
            "happens": self.happens,
            "stays": self.stays,
        }


def routes(letters: Sequence[DeadLetter], loop_guard: int, *, in_bulk: bool) -> list[Route]:
    """The ways of these letters. In bulk, one whose replays were in vain `loop_guard` times in a row stays."""
    return [Route(one, _target(one), _happens(one), _stays(one, loop_guard if in_bulk else None)) for one in letters]


def _target(one: DeadLetter) -> str:
    told = one.letter
    if told.record:
        return f"{told.service}: {told.record.topic}/{told.record.partition}/{told.record.offset}"
    lane = told.delivery.lane if told.delivery else ""
    return f"{told.service}: {lane}" if lane else told.service


def _happens(one: DeadLetter) -> str:
    delivery = one.letter.delivery
    if delivery is None:
        return "read again"
    if delivery.blocked_on:
        return f"decided again, waits for {delivery.blocked_on}"
    if editable(one.letter):
        return "computed anew and sent"
    return "decided again"


def _stays(one: DeadLetter, guard: int | None) -> str:
    if one.settled is not None:
        return f"{one.settled.how} already: nothing to do"
    if guard is not None and one.letter.replays >= guard:
        return (
            f"replayed in vain {one.letter.replays} times (retry.loop-guard {guard}): mend its cause, then "
            f"davtari dead-letters replay {one.id}"
        )
    return ""


def histogram(ways: Sequence[Route]) -> dict[str, int]:
    """How many of each reason, the most frequent first."""
    return dict(Counter(way.letter.letter.reason for way in ways).most_common())
