"""Waiting for something to become so, never for time to pass."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from tenacity import AsyncRetrying, RetryError, retry_if_not_result, stop_after_delay, wait_fixed

FoundT = TypeVar("FoundT")
PATIENCE = 90.0
LOOK = 0.05


class NeverHappened(AssertionError):
    """What a test waited for did not become so in time; the message says what stands instead."""


async def until(
    look: Callable[[], Awaitable[FoundT]], what: str, patience: float = PATIENCE, pause: float = LOOK
) -> FoundT:
    """Look again and again until what is found is true; gives what was found. Raises `NeverHappened`."""
    trying = AsyncRetrying(stop=stop_after_delay(patience), wait=wait_fixed(pause), retry=retry_if_not_result(bool))

    async def looked() -> FoundT:  # tenacity would not await what a lambda gives back
        return await look()

    try:
        return await trying(looked)
    except RetryError as error:
        last = error.last_attempt.result()
        raise NeverHappened(f"{what}: not within {patience:g} s; last seen: {last!r}") from None


async def until_empty(look: Callable[[], Awaitable[list[str]]], what: str, patience: float = PATIENCE) -> None:
    """Look until nothing is complained of any more. Raises `NeverHappened` with the complaints."""
    complaints: list[str] = []

    async def nothing() -> bool:
        complaints[:] = await look()
        return not complaints

    try:
        await until(nothing, what, patience, pause=0.2)
    except NeverHappened:
        told = "\n  ".join(complaints[:20])
        raise NeverHappened(f"{what}: not within {patience:g} s; still wrong ({len(complaints)}):\n  {told}") from None
