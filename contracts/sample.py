"""The golden samples: one realistic record at least of every event type and version, which must parse for ever."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "samples"


@dataclass(frozen=True, slots=True)
class Sample:
    """A Kafka record in readable form. `name` is the file's: `OrderChanged.v1`, or `OrderChanged.v1.guest`."""

    name: str
    topic: str
    key: str
    headers: dict[str, str]
    value: dict[str, Any]

    @property
    def type(self) -> str:
        """The CloudEvents type."""
        return self.headers["ce_type"]

    def raw_headers(self) -> list[tuple[str, bytes]]:
        """The headers as Kafka carries them."""
        return [(name, text.encode()) for name, text in self.headers.items()]

    def raw_value(self) -> bytes:
        """The value as Kafka carries it."""
        return json.dumps(self.value, ensure_ascii=False).encode()


def samples(folder: Path = FOLDER) -> Iterator[Sample]:
    """All golden samples, by name."""
    for path in sorted(folder.glob("*.json")):
        yield Sample(name=path.stem, **json.loads(path.read_text(encoding="utf-8")))
