"""What was asked of a sandbox: a bounded list of requests, and counts by route."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

NAMES_ONE = re.compile(r"(?<=/)(\d+|[0-9a-fA-F]{8}-[0-9a-fA-F-]{27})(?=/|$)")


@dataclass(slots=True)
class Entry:
    """One request; `status` stays None when no answer was sent, `bytes` is the size of its body."""

    at: str
    method: str
    path: str
    query: str
    status: int | None = None
    bytes: int = 0
    fault: str | None = None


class Journal:
    """The last `limit` requests, counts of all of them by "METHOD path-template", and the most seen at once."""

    def __init__(self, now: Callable[[], datetime], limit: int = 5000) -> None:
        self.now = now
        self.entries: deque[Entry] = deque(maxlen=limit)
        self.counts: Counter[str] = Counter()
        self.in_flight = 0
        self.most_at_once = 0

    def arrived(self, method: str, path: str, query: str) -> Entry:
        """Notes a request at its arrival, so that one which is never answered is seen too."""
        entry = Entry(self.now().isoformat(), method, path, query)
        self.entries.append(entry)
        self.counts[f"{method} {template(path)}"] += 1
        self.in_flight += 1
        self.most_at_once = max(self.most_at_once, self.in_flight)
        return entry

    def left(self) -> None:
        """Notes that a request is over, answered or not."""
        self.in_flight -= 1

    def clear(self) -> None:
        """Forgets every request and count."""
        self.entries.clear()
        self.counts.clear()
        self.most_at_once = self.in_flight

    def as_json(self) -> dict[str, Any]:
        """`{"requests": [...], "counts": {"GET /wp-json/wc/v3/orders/{id}": 3}, "most_at_once": 2}`."""
        return {
            "requests": [asdict(entry) for entry in self.entries],
            "counts": dict(self.counts),
            "most_at_once": self.most_at_once,
        }


def template(path: str) -> str:
    """The path with numbers and GUIDs replaced by `{id}`."""
    return NAMES_ONE.sub("{id}", path)
