"""Reports answered calls to whatever waits for an upstream, whoever in this process made the call."""

from __future__ import annotations

from collections import defaultdict
from typing import Protocol
from weakref import WeakSet


class AnswerListener(Protocol):
    """Something that waits while an upstream does not answer, such as a circuit breaker."""

    def answered(self, began: float) -> None:
        """A call that began at this time of the monotonic clock was answered."""


_LISTENERS: defaultdict[str, WeakSet[AnswerListener]] = defaultdict(WeakSet)
"""By URL of the upstream. A listener that nobody references any more is removed automatically."""


def add_listener(address: str, listener: AnswerListener) -> None:
    """Report answered calls to this URL to the listener from now on."""
    _LISTENERS[address].add(listener)


def notify_answered(address: str, began: float) -> None:
    """Report a call to this URL, begun at this time of the monotonic clock, that was answered by the API itself."""
    for listener in list(_LISTENERS.get(address, ())):
        listener.answered(began)
