"""Whoever waits for an upstream learns when a call to it, made by anyone in this process, was answered."""

from __future__ import annotations

from collections import defaultdict
from typing import Protocol
from weakref import WeakSet


class Waits(Protocol):
    """Something that waits while an upstream does not answer."""

    def answered(self, began: float) -> None:
        """A call that began at this moment of the monotonic clock was answered."""


_WAITING: defaultdict[str, WeakSet[Waits]] = defaultdict(WeakSet)
"""By address of the upstream. What nobody holds any more leaves by itself."""


def wait_for(address: str, waits: Waits) -> None:
    """Tell it of answered calls to this address from now on."""
    _WAITING[address].add(waits)


def answered(address: str, began: float) -> None:
    """A call to this address, begun at this moment, was answered as it should be."""
    for waits in list(_WAITING.get(address, ())):
        waits.answered(began)
