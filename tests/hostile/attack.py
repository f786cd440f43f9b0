"""Raw connections of a hostile client, on loopback."""

from __future__ import annotations

import asyncio
import resource
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

DAVTARI = Path(sys.executable).with_name("davtari")
AT_ONCE = 64
"""Connections that are opened side by side."""
FILES = 4096
"""File descriptors that an attack needs."""


def allow_many_files() -> None:
    """Raise the limit of open files of this process as far as the attacks need."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < FILES:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(FILES, hard), hard))


@dataclass(frozen=True, slots=True)
class Target:
    """A service that is attacked: a process of its own, the port it listens on, and its log."""

    process: asyncio.subprocess.Process
    port: int
    log: Path

    def megabytes(self) -> float:
        """The most resident memory that the process has had."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        (line,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
        return int(line.split()[1]) / 1024

    def lines(self) -> list[bytes]:
        """What it has logged so far."""
        return self.log.read_bytes().splitlines()


@asynccontextmanager
async def running(settings_file: Path, service: str, port: int) -> AsyncIterator[Target]:
    """The service, ready to be attacked; it must survive until the end of the context."""
    log = settings_file.with_name("attacked.log")
    arguments = ("--settings", str(settings_file), "--log-json", "run", service)
    with log.open("wb") as sink:
        process = await asyncio.create_subprocess_exec(DAVTARI, *arguments, stdout=sink, stderr=sink)
    target = Target(process, port, log)
    try:
        async with asyncio.timeout(60):
            while b"caught up" not in log.read_bytes():
                assert process.returncode is None, log.read_text(encoding="utf-8")
                await asyncio.sleep(0.1)
        yield target
        assert process.returncode is None, log.read_text(encoding="utf-8")
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def post(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """A POST request, byte for byte."""
    lines = [f"POST {path} HTTP/1.1", "Host: davtari.test", *(f"{name}: {text}" for name, text in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


@asynccontextmanager
async def connected(port: int, count: int, sent: bytes = b"") -> AsyncIterator[list[asyncio.StreamReader]]:
    """So many connections, each with something sent on it; they are closed at the end."""
    opened: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
    try:
        for first in range(0, count, AT_ONCE):
            few = range(min(AT_ONCE, count - first))
            opened += await asyncio.gather(*(asyncio.open_connection("127.0.0.1", port) for _ in few))
            for _, writer in opened[first:]:
                writer.write(sent)
        yield [reader for reader, _ in opened]
    finally:
        for _, writer in opened:
            writer.transport.abort()


async def answer(port: int, request: bytes) -> tuple[int, bytes]:
    """The status and body of what a raw request is answered with; the connection is read to its end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        async with asyncio.timeout(30):
            head = await reader.readuntil(b"\r\n\r\n")
            length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            body = await reader.readexactly(int(length[0].split(b":")[1])) if length else await reader.read()
        return int(head.split()[1]), body
    finally:
        writer.transport.abort()
