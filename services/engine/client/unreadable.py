"""Records of the topics that are not valid events: a reader skips them, and whoever shows the answer names them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

MOST = 1000
"""Records that are named at most."""
_UNREADABLE: ContextVar[dict[str, str] | None] = ContextVar("unreadable", default=None)


@contextmanager
def collect_unreadable() -> Iterator[Mapping[str, str]]:
    """Collect the records that readers skip while this context is open: why, by their place."""
    found: dict[str, str] = {}
    before = _UNREADABLE.set(found)
    try:
        yield found
    finally:
        _UNREADABLE.reset(before)


def note_unreadable(place: str, why: str) -> None:
    """Note a record that was skipped. `place`: topic/partition/offset."""
    found = _UNREADABLE.get()
    if found is not None and len(found) < MOST:
        found[place] = why
