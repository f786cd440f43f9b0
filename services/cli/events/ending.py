"""How a long-running command ends: when its work is done, on a signal, on a closed pipe, or with an error."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine
from typing import Any

from services.cli.command import FAILED, WRONG_SETTINGS
from services.cli.events.export import ExportRefused, TopicDataMissing
from services.cli.events.records import InvalidExportLine, UnknownName
from services.cli.events.replay import ReplayRefused, ReplayUnconfirmed
from services.cli.screen import errors
from services.cli.times import InvalidTime

INTERRUPTED = 130
WRONG_ARGUMENTS = (InvalidTime, UnknownName, ReplayRefused)
FAILURES = (TopicDataMissing, ExportRefused, InvalidExportLine, ReplayUnconfirmed)


async def run_until_stopped(work: Coroutine[Any, Any, int], interrupted: int = INTERRUPTED) -> int:
    """Run until done or until SIGINT or SIGTERM. Returns the exit code; `interrupted` after a signal and cleanup."""
    task = asyncio.ensure_future(work)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        return interrupted
    except BrokenPipeError:
        return _close_output()
    except (*WRONG_ARGUMENTS, *FAILURES) as error:
        errors.print(str(error), style="red", markup=False, soft_wrap=True)
        return WRONG_SETTINGS if isinstance(error, WRONG_ARGUMENTS) else FAILED


def _close_output() -> int:
    """After `… | head`: not an error, and the interpreter must not fail when it flushes stdout at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
