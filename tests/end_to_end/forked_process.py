"""Processes forked from one that has imported everything: real ones to kill, without two seconds of imports each."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from services.cli.app import app
from services.cli.registry import OPTIONAL_SERVICES, SERVICES

_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    ["services.cli.run", *[f"services.{name.replace('-', '_')}.app" for name in (*SERVICES, *OPTIONAL_SERVICES)]]
)


def _run_davtari(arguments: Sequence[str], log: Path) -> None:
    """Run the `davtari` command with these arguments; its output goes to `log`."""
    with log.open("ab") as out:
        for stream in (1, 2):
            os.dup2(out.fileno(), stream)
    sys.argv = ["davtari", *arguments]
    app()


class ForkedProcess:
    """A forked process that a test can signal and wait for."""

    def __init__(self, arguments: Sequence[str], log: Path) -> None:
        self._process: ForkServerProcess = _CONTEXT.Process(target=_run_davtari, args=(arguments, log))
        self._process.start()

    @property
    def pid(self) -> int:
        """The id of the process."""
        assert self._process.pid is not None, "the process has started"
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Its exit code, -N when signal N has ended it; None while it runs."""
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """Send it a signal."""
        os.kill(self._process.pid or 0, number)

    async def wait(self) -> int:
        """Wait for its end."""
        await asyncio.to_thread(self._process.join)
        assert self._process.exitcode is not None
        return self._process.exitcode
