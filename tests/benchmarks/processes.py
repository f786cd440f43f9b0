"""Children of the benchmark: a stub server or a load generator in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 20.0


@contextmanager
def child(module: str, *arguments: str) -> Iterator[str]:
    """A server that lasts as long as the block: gives the first line that it prints, its address.

    It ends with its standard input, and so with this process, however that ends.
    """
    command = [sys.executable, "-m", f"tests.benchmarks.{module}", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        try:
            address = process.stdout.readline().strip()
            assert address, f"{module} ended before it listened"
            yield address
        finally:
            process.stdin.close()
            process.wait(PATIENCE)


def outcome(module: str, *arguments: str, seconds: float = 120.0) -> str:
    """What a program prints that runs to its end. Raises `CalledProcessError`."""
    command = [sys.executable, "-m", f"tests.benchmarks.{module}", *arguments]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=seconds, check=True)
    return done.stdout
