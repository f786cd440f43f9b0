"""One process at a time uses the state of a service: a lock of the operating system beside its database.

It works across containers that share a folder, and ends with its process, however that ends, so no lock can be stale.
The content of the file is for people, and for the next process. A second process waits a moment, in case the first one
is just ending, and then gives up.
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

log = logging.getLogger(__name__)
BOOT = Path("/proc/sys/kernel/random/boot_id")
PATIENCE, RETRY_SECONDS = 5.0, 0.25
"""Seconds that another holder of the lock is given to end, and between two attempts."""
FOLDER_RETRY_SECONDS = 2.0
"""Seconds between two attempts while the folder cannot be written to."""


class AlreadyRunning(Exception):
    """Another instance of a service is running; the message states where, and what to do."""


@dataclass(frozen=True, slots=True)
class StateLock:
    """A lock that is held. `instance` is the member id of this folder's service in Kafka.

    The next process that takes the folder over on the same running system has the same id, because the previous one is
    known to have ended. A copy of the folder gets another id.
    """

    instance: str
    _file: int

    def release(self) -> None:
        """Release the lock; the end of the process does the same."""
        os.close(self._file)


def take_lock(directory: Path, service: str, now: datetime) -> StateLock:
    """Lock a service's state. Raises `AlreadyRunning`, and `OSError` for a folder that cannot be written to."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{service}.lock"
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        instance = _instance(_read_content(file), file)
        _write(file, {"instance": instance, **_location(file), **_holder(now)})
    except BlockingIOError:
        holder = _read_content(file)
        os.close(file)
        raise AlreadyRunning(_describe_holder(service, path, holder)) from None
    except BaseException:
        os.close(file)
        raise
    return StateLock(instance, file)


def _location(file: int) -> dict[str, object]:
    """Properties that a copy of the file, or another boot of the system, does not share."""
    found = os.fstat(file)
    boot = BOOT.read_text().strip() if BOOT.exists() else uuid4().hex
    return {"boot": boot, "inode": found.st_ino, "device": found.st_dev}


def _holder(now: datetime) -> dict[str, object]:
    return {"process": os.getpid(), "host": socket.gethostname(), "since": local_time(now)}


def _instance(before: dict[str, object], file: int) -> str:
    here = _location(file)
    if all(before.get(name) == value for name, value in here.items()) and isinstance(before.get("instance"), str):
        return str(before["instance"])
    return uuid4().hex[:12]


def _read_content(file: int) -> dict[str, object]:
    try:
        found = orjson.loads(os.pread(file, 4096, 0))
    except orjson.JSONDecodeError:  # the file is new, or its holder is writing it
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
        f"{service} is already running on the state in {path.parent} ({who}) and was not started again. To run it "
        "from here, stop the other one first. Another installation needs its own "
        "state.directory and kafka.topic-prefix"
    )


@asynccontextmanager
async def hold_lock(
    directory: Path, service: str, clock: Clock, report_wait: Callable[[str], None] = lambda _: None
) -> AsyncIterator[StateLock]:
    """Hold the lock of a service's state. Raises `AlreadyRunning`; waits for a folder that cannot be written to.

    `report_wait` is called with the reason while it waits, and with "" at the end.
    """
    lock = await _locked(directory, service, clock, report_wait)
    try:
        yield lock
    finally:
        lock.release()


async def require_not_running(directory: Path, services: Iterable[str], clock: Clock) -> None:
    """Raise `AlreadyRunning` if one of the services is running, before any of them is started."""
    for service in services:
        try:
            (await _lock_within_patience(directory, service, clock)).release()
        except OSError as error:
            log.info("the state cannot be locked yet", extra={"service": service, "why": str(error)})


async def _locked(directory: Path, service: str, clock: Clock, report_wait: Callable[[str], None]) -> StateLock:
    while True:
        try:
            lock = await _lock_within_patience(directory, service, clock)
        except OSError as error:
            why = f"{error.strerror}: does {directory} exist, and may this user write there?"
            log.warning("waiting for the state database", extra={"why": why, "in_seconds": FOLDER_RETRY_SECONDS})
            report_wait(f"its state database in {directory}: {why}")
            await asyncio.sleep(FOLDER_RETRY_SECONDS)
        else:
            report_wait("")
            return lock


async def _lock_within_patience(directory: Path, service: str, clock: Clock) -> StateLock:
    deadline, logged = time.monotonic() + PATIENCE, False
    while True:
        try:
            return take_lock(directory, service, clock())
        except AlreadyRunning as error:
            if time.monotonic() > deadline:
                raise
            if not logged:
                log.warning("waiting for another instance to end", extra={"why": str(error), "in_seconds": PATIENCE})
            logged = True
            await asyncio.sleep(RETRY_SECONDS)
