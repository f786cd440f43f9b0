"""Gates: a lane toward an upstream stays closed until the checks of its live flows have passed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

log = logging.getLogger(__name__)
FIRST, LONGEST = 2.0, 60.0
"""Seconds until a check that did not pass is made again: they double up to the longest."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Before these lanes. `check` tells what forbids to go live, each with what mends it; nothing when all is well.

    A service makes its checks itself, at each start: what has passed once may have been taken away since, and nothing
    needs to be kept or shared between containers.
    """

    lanes: frozenset[str]
    check: Callable[[], Awaitable[Sequence[str]]]


async def opened(gate: Gate, waits: Callable[[str], None], first: float = FIRST) -> None:
    """Return when the check has passed. `waits` is told why it has not, "" at the end."""
    pause = first
    while faults := await gate.check():
        told = {"lane": ", ".join(sorted(gate.lanes)), "why": "; ".join(faults), "in_seconds": pause}
        fix = "davtari check shows all of it; or set the flow to dry-run"
        log.error("not live: the check has not passed, nothing is written", extra={**told, "fix": fix})
        waits(f"nothing is written yet: {'; '.join(faults)}")
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST)
    waits("")
