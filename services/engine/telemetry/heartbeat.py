"""The heartbeat of the event loop: whether it moves, and how late it is."""

from __future__ import annotations

import asyncio
import time

from services.engine.telemetry.meters import LOOP_LAG

BEAT = 1.0
"""Seconds between two beats."""
STOPPED = 30.0
"""Seconds without a beat after which the loop counts as stopped."""


class Heartbeat:
    """Beats until cancelled. `now` is a monotonic clock."""

    def __init__(self) -> None:
        self.last = time.monotonic()

    async def run(self) -> None:
        """Beat; each beat tells by how much it was late."""
        while True:
            due = time.monotonic() + BEAT
            await asyncio.sleep(BEAT)
            self.last = time.monotonic()
            LOOP_LAG.set(max(0.0, self.last - due))

    def faults(self, now: float) -> list[str]:
        """Why the loop does not count as moving."""
        silent = now - self.last
        return [f"the event loop has not moved for {silent:.0f} s"] if silent > STOPPED else []
