"""Davtari's services as processes of their own, to be started, killed, ended and started again."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.end_to_end.forked_process import ForkedProcess
from tests.end_to_end.waiting import wait_until

DAVTARI = Path(sys.executable).with_name("davtari")
TAIL_BYTES = 6000
"""Characters of each log that a failed test shows."""


@dataclass(slots=True)
class Program:
    """A running `davtari` command; `log` holds its log and that of its predecessors, one JSON object per line."""

    name: str
    process: ForkedProcess
    log: Path
    log_offset: int

    def log_lines(self) -> Iterator[dict[str, Any]]:
        """The log lines of this process so far."""
        with self.log.open("rb") as log:
            log.seek(self.log_offset)
            for line in log:
                if line.startswith(b"{") and line.endswith(b"\n"):
                    yield json.loads(line)

    def logged(self, message: str) -> list[dict[str, Any]]:
        """Its log lines with this message."""
        return [line for line in self.log_lines() if line["message"] == message]

    async def ready(self, services: int = 1) -> None:
        """Wait until its services have read everything known."""

        async def caught_up() -> bool:
            assert self.process.returncode is None, f"{self.name} ended by itself: {self.tail()}"
            return len(self.logged("caught up")) >= services

        await wait_until(caught_up, f"{self.name} has caught up")

    async def kill(self) -> None:
        """End it at once, as a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()

    async def terminate(self, timeout: float) -> int:
        """Ask it to end; gives its exit code. Raises `TimeoutError` after `patience` seconds."""
        self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(timeout):
            return await self.process.wait()

    def tail(self) -> str:
        """The end of its log."""
        return self.log.read_bytes()[-TAIL_BYTES:].decode(errors="replace")


class Programs:
    """The programs of one system under test, by name: a service's own, or `up` for all in one."""

    def __init__(self, settings_file: Path) -> None:
        self._settings_file = settings_file
        self._logs = settings_file.parent / "logs"
        self._running: dict[str, Program] = {}

    def __getitem__(self, name: str) -> Program:
        return self._running[name]

    async def start(self, *names: str, services: int = 1) -> None:
        """Start programs and wait until they have read everything known."""
        for name in names:
            self.begin(name)
        await asyncio.gather(*[self[name].ready(services) for name in names])

    def begin(self, name: str) -> Program:
        """Start a program and wait for nothing."""
        self._logs.mkdir(exist_ok=True)
        log = self._logs / f"{name}.log"
        log.touch()
        began = log.stat().st_size
        arguments = ["up"] if name == "up" else ["run", name]
        process = ForkedProcess(["--settings", str(self._settings_file), "--log-json", *arguments], log)
        self._running[name] = Program(name, process, log, began)
        return self[name]

    async def kill(self, *names: str) -> None:
        """End programs at once."""
        await asyncio.gather(*[self._running.pop(name).kill() for name in names])

    async def stop(self, *names: str, timeout: float = 30.0) -> list[int]:
        """Ask programs to end; their exit codes."""
        return await asyncio.gather(*[self._running.pop(name).terminate(timeout) for name in names])

    async def close(self) -> None:
        """End all programs that are still running."""
        await self.kill(*[name for name, program in self._running.items() if program.process.returncode is None])

    def logs(self) -> Iterable[tuple[str, str]]:
        """The end of every log, by program."""
        for name, program in self._running.items():
            yield name, program.tail()


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its output as data."""
        return json.loads(self.out)


async def run_davtari(*arguments: str, folder: Path, timeout: float = 60.0) -> CommandResult:
    """Run one command as a user would, in a folder, and wait for its end."""
    process = await asyncio.create_subprocess_exec(
        DAVTARI, *arguments, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(timeout):
            out, err = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    assert process.returncode is not None
    return CommandResult(process.returncode, out.decode(), err.decode())
