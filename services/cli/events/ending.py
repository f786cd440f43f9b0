"""How a command over the event stream ends: by itself, by a signal, when nobody reads it any more, or in an error."""

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
WRONG_CALL = (InvalidTime, UnknownName, ReplayRefused)
NOT_DONE = (TopicDataMissing, ExportRefused, InvalidExportLine, ReplayUnconfirmed)


async def run_until_stopped(work: Coroutine[Any, Any, int], interrupted: int = INTERRUPTED) -> int:
    """The exit code of the work; `interrupted` if SIGINT or SIGTERM ended it (after it has tidied up)."""
    task = asyncio.ensure_future(work)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        return interrupted
    except BrokenPipeError:
        return _close_output()
    except (*WRONG_CALL, *NOT_DONE) as error:
        errors.print(str(error), style="red", markup=False, soft_wrap=True)
        return WRONG_SETTINGS if isinstance(error, WRONG_CALL) else FAILED


def _close_output() -> int:
    """`… | head` has enough: nothing is wrong, and the interpreter must not complain when it flushes at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
