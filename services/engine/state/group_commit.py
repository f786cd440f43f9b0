"""Group commit: items that are submitted while a transaction runs share the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

ItemT = TypeVar("ItemT")


class GroupCommit(Generic[ItemT]):
    """Collects items and passes them to `commit` together; `submit` returns when its item is durable.

    If `commit` raises, every submitter of that group gets the error.
    """

    def __init__(self, commit: Callable[[Sequence[ItemT]], Awaitable[None]], largest: int = 500) -> None:
        self._commit, self._largest = commit, largest
        self._waiting: list[tuple[ItemT, asyncio.Future[None]]] = []
        self._running: asyncio.Task[None] | None = None

    async def submit(self, item: ItemT) -> None:
        """Return when the item is durable. Raises what `commit` raises."""
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._drain())
        await done

    async def _drain(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting[: self._largest], self._waiting[self._largest :]
            try:
                await self._commit([item for item, _ in group])
            except Exception as error:
                _finish(group, error)
            else:
                _finish(group, None)


def _finish(group: Sequence[tuple[ItemT, asyncio.Future[None]]], error: Exception | None) -> None:
    for _, done in group:
        if done.done():
            continue
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)
