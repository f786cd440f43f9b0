"""One action for all who need it, at most once in a while."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from services.engine.runtime.clock import Clock


class Pace:
    """Runs `action` at most once in `every` seconds, counted from beginning to beginning."""

    def __init__(
        self,
        action: Callable[[], Awaitable[None]],
        every: float,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._action, self._every, self._clock, self._sleep = action, every, clock, sleep
        self._turn = asyncio.Lock()
        self._begun = self._done = 0
        self._begun_at = self._done_at = float("-inf")
        self._covers = float("-inf")

    def covers(self, moment: float) -> bool:
        """Whether the last run began after this moment (a timestamp), and ended less than `every` seconds ago."""
        return moment < self._covers and time.monotonic() - self._done_at < self._every

    async def wait(self) -> None:
        """Return once a run that began after this call is done; those who wait together share it.

        Raises what the action raises; then the next one who waits tries again.
        """
        begun = self._begun
        async with self._turn:
            if self._done > begun:
                return
            await self._sleep(max(0.0, self._begun_at + self._every - time.monotonic()))
            self._begun, self._begun_at, now = self._begun + 1, time.monotonic(), self._clock().timestamp()
            await self._action()
            self._done, self._done_at, self._covers = self._begun, time.monotonic(), now
