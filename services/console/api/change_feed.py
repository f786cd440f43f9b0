"""Wakes those who follow changes of the query database; their number is bounded."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

MOST = 32
"""Streams at a time: each holds a connection for as long as its client likes."""


class FeedFull(Exception):
    """As many clients follow the changes as may."""


class ChangeFeed:
    """Everybody who follows the changes of one query database."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._followers: set[asyncio.Event] = set()
        self.is_closed = False

    @property
    def is_full(self) -> bool:
        """Whether nobody else may follow."""
        return len(self._followers) >= self._most

    def notify(self) -> None:
        """Wake every follower: something has changed."""
        for changed in self._followers:
            changed.set()

    def close(self) -> None:
        """End every stream: the service stops."""
        self.is_closed = True
        self.notify()

    @contextmanager
    def follow(self) -> Iterator[asyncio.Event]:
        """An event that is set after each change. Raises `FeedFull`."""
        if self.is_full:
            raise FeedFull
        changed = asyncio.Event()
        self._followers.add(changed)
        try:
            yield changed
        finally:
            self._followers.remove(changed)
