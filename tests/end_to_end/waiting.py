"""Waiting for a condition, never for a fixed time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from tenacity import AsyncRetrying, RetryError, retry_if_not_result, stop_after_delay, wait_fixed

FoundT = TypeVar("FoundT")
TIMEOUT = 90.0
POLL_INTERVAL = 0.05


class ConditionTimeoutError(AssertionError):
    """A condition did not hold in time; the message states what was seen instead."""


async def wait_until(
    look: Callable[[], Awaitable[FoundT]], what: str, timeout: float = TIMEOUT, pause: float = POLL_INTERVAL
) -> FoundT:
    """Call `look` repeatedly until its result is true and return it. Raises `ConditionTimeoutError`."""
    trying = AsyncRetrying(stop=stop_after_delay(timeout), wait=wait_fixed(pause), retry=retry_if_not_result(bool))

    async def call_look() -> FoundT:  # tenacity does not await the result of a lambda
        return await look()

    try:
        return await trying(call_look)
    except RetryError as error:
        last = error.last_attempt.result()
        raise ConditionTimeoutError(f"{what}: not within {timeout:g} s; last seen: {last!r}") from None


async def wait_until_empty(look: Callable[[], Awaitable[list[str]]], what: str, timeout: float = TIMEOUT) -> None:
    """Call `look` until it returns no problems. Raises `ConditionTimeoutError` with the problems."""
    problems: list[str] = []

    async def no_problems() -> bool:
        problems[:] = await look()
        return not problems

    try:
        await wait_until(no_problems, what, timeout, pause=0.2)
    except ConditionTimeoutError:
        shown = "\n  ".join(problems[:20])
        raise ConditionTimeoutError(
            f"{what}: not within {timeout:g} s; still wrong ({len(problems)}):\n  {shown}"
        ) from None
