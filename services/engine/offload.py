"""Work that grows with its input leaves the event loop where the input is large: one order must not stop a service."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

ResultT = TypeVar("ResultT")
LARGE = 256 * 1024
"""Bytes of JSON above which work runs in a thread; it takes a few hundredths of a second."""
LINE = 300
"""Bytes of JSON that a line of an order or document takes."""


async def run_by_size(work: Callable[[], ResultT], size: int) -> ResultT:
    """Run work on an input of so many bytes: in a thread if it is large, otherwise at once."""
    return await asyncio.to_thread(work) if size > LARGE else work()
