"""A service runs once on its state: a second process waits a moment, in case the first is just ending, and gives up."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from services.engine.runtime.clock import Clock
from services.engine.state.lock import AlreadyRunning, StateLock, take_lock

log = logging.getLogger(__name__)
PATIENCE, AGAIN = 5.0, 0.25
"""Seconds that the holder of a lock is given to end, and between two tries."""
NO_FOLDER = 2.0
"""Seconds between two tries where the folder cannot be written to."""


@asynccontextmanager
async def exclusive(
    directory: Path, service: str, clock: Clock, waits: Callable[[str], None] = lambda _: None
) -> AsyncIterator[StateLock]:
    """Hold the state of a service. Raises `AlreadyRunning`; a folder that cannot be written to is waited for."""
    lock = await _locked(directory, service, clock, waits)
    try:
        yield lock
    finally:
        lock.release()


async def refuse_seconds(directory: Path, services: Iterable[str], clock: Clock) -> None:
    """Raises `AlreadyRunning` if one of the services runs already, before anything of them is started."""
    for service in services:
        try:
            (await _patiently(directory, service, clock)).release()
        except OSError as error:
            log.info("the state cannot be locked yet", extra={"service": service, "why": str(error)})


async def _locked(directory: Path, service: str, clock: Clock, waits: Callable[[str], None]) -> StateLock:
    while True:
        try:
            lock = await _patiently(directory, service, clock)
        except OSError as error:
            why = f"{error.strerror}: does {directory} exist, and may this user write there?"
            log.warning("waiting for the state database", extra={"why": why, "in_seconds": NO_FOLDER})
            waits(f"its state database in {directory}: {why}")
            await asyncio.sleep(NO_FOLDER)
        else:
            waits("")
            return lock


async def _patiently(directory: Path, service: str, clock: Clock) -> StateLock:
    until, told = time.monotonic() + PATIENCE, False
    while True:
        try:
            return take_lock(directory, service, clock())
        except AlreadyRunning as error:
            if time.monotonic() > until:
                raise
            if not told:
                log.warning("waiting for another instance to end", extra={"why": str(error), "in_seconds": PATIENCE})
            told = True
            await asyncio.sleep(AGAIN)
