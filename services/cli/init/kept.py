"""The answers so far, in a file beside the settings, to be offered again. Secrets are not among them."""

from __future__ import annotations

import json
from pathlib import Path

Answer = str | int | list[str] | list[int]


class Kept:
    """Answers by key; each is on disk as soon as it is given, readable by this user only."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._answers = _read(path)

    def get(self, key: str) -> Answer | None:
        """What was answered last time."""
        return self._answers.get(key)

    def keep(self, key: str, answer: Answer) -> None:
        """Keep an answer."""
        self._answers[key] = answer
        self.path.touch(mode=0o600)
        self.path.write_text(json.dumps(self._answers, ensure_ascii=False, indent=1), encoding="utf-8")

    def forget(self) -> None:
        """All of it is in the settings now."""
        self.path.unlink(missing_ok=True)


def _read(path: Path) -> dict[str, Answer]:
    """A file that cannot be read offers nothing."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write_secret(path: Path, text: str) -> None:
    """Write a secret into a file that only this user may read; folder and file are made so from the first moment."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(text + "\n", encoding="utf-8")
