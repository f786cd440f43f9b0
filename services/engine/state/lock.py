"""One process at a time uses the state of a service: a lock of the operating system beside its database.

It works across containers that share a folder, and ends with its process however that ends: no file can be stale. What
the file says is only for people, and for whoever takes over.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import orjson

from services.engine.clock import Clock, local_time

BOOT = Path("/proc/sys/kernel/random/boot_id")


class AlreadyRunning(Exception):
    """Another instance of a service is at work; the message says where, and what to do."""


@dataclass(frozen=True, slots=True)
class StateLock:
    """A lock that is held. `instance` names this folder's service toward Kafka: whoever takes the folder over under the
    same running system has the same name, since the one before is proven to be gone. A copy of the folder has another.
    """

    instance: str
    _file: int

    def release(self) -> None:
        """Let go; the end of the process does the same."""
        os.close(self._file)


def take_lock(directory: Path, service: str, now: datetime) -> StateLock:
    """Lock a service's state. Raises `AlreadyRunning`, and `OSError` for a folder that cannot be written to."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{service}.lock"
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        instance = _instance(_content(file), file)
        _write(file, {"instance": instance, **_place(file), **_holder(now)})
    except BlockingIOError:
        holder = _content(file)
        os.close(file)
        raise AlreadyRunning(_describe_holder(service, path, holder)) from None
    except BaseException:
        os.close(file)
        raise
    return StateLock(instance, file)


def _place(file: int) -> dict[str, object]:
    """What a copy of the file, or another start of the system, does not share."""
    found = os.fstat(file)
    boot = BOOT.read_text().strip() if BOOT.exists() else uuid4().hex
    return {"boot": boot, "inode": found.st_ino, "device": found.st_dev}


def _holder(now: datetime) -> dict[str, object]:
    return {"process": os.getpid(), "host": socket.gethostname(), "since": local_time(now)}


def _instance(before: dict[str, object], file: int) -> str:
    here = _place(file)
    if all(before.get(name) == value for name, value in here.items()) and isinstance(before.get("instance"), str):
        return str(before["instance"])
    return uuid4().hex[:12]


def _content(file: int) -> dict[str, object]:
    try:
        found = orjson.loads(os.pread(file, 4096, 0))
    except orjson.JSONDecodeError:  # new, or its holder is writing it
        return {}
    return found if isinstance(found, dict) else {}


def _write(file: int, content: dict[str, object]) -> None:
    body = orjson.dumps(content)
    os.pwrite(file, body, 0)
    os.ftruncate(file, len(body))


def _describe_holder(service: str, path: Path, holder: dict[str, object]) -> str:
    names = {"process": "?", "host": "?", "since": "?"} | holder
    who = f"process {names['process']} on {names['host']}, since {names['since']}"
    return (
        f"{service} is already running on the state in {path.parent} ({who}); it was not started again. To run it "
        "from here, stop that one first. Another installation needs a state.directory and a kafka.topic-prefix of its "
        "own"
    )


# A service runs once on its state: a second process waits a moment, in case the first is just ending, and gives up.

log = logging.getLogger(__name__)
PATIENCE, RETRY_SECONDS = 5.0, 0.25
"""Seconds that the holder of a lock is given to end, and between two tries."""
NO_FOLDER = 2.0
"""Seconds between two tries where the folder cannot be written to."""


@asynccontextmanager
async def hold_lock(
    directory: Path, service: str, clock: Clock, waits: Callable[[str], None] = lambda _: None
) -> AsyncIterator[StateLock]:
    """Hold the state of a service. Raises `AlreadyRunning`; a folder that cannot be written to is waited for."""
    lock = await _locked(directory, service, clock, waits)
    try:
        yield lock
    finally:
        lock.release()


async def require_not_running(directory: Path, services: Iterable[str], clock: Clock) -> None:
    """Raises `AlreadyRunning` if one of the services runs already, before anything of them is started."""
    for service in services:
        try:
            (await _lock_within_patience(directory, service, clock)).release()
        except OSError as error:
            log.info("the state cannot be locked yet", extra={"service": service, "why": str(error)})


async def _locked(directory: Path, service: str, clock: Clock, waits: Callable[[str], None]) -> StateLock:
    while True:
        try:
            lock = await _lock_within_patience(directory, service, clock)
        except OSError as error:
            why = f"{error.strerror}: does {directory} exist, and may this user write there?"
            log.warning("waiting for the state database", extra={"why": why, "in_seconds": NO_FOLDER})
            waits(f"its state database in {directory}: {why}")
            await asyncio.sleep(NO_FOLDER)
        else:
            waits("")
            return lock


async def _lock_within_patience(directory: Path, service: str, clock: Clock) -> StateLock:
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
            await asyncio.sleep(RETRY_SECONDS)
