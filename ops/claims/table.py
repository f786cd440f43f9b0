"""The numbered claims: what each says, and which do not apply."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).with_name("claims.toml")


@dataclass(frozen=True)
class Table:
    """Claim id → its line. `not_applicable` gives the reason instead."""

    claims: dict[str, str]
    not_applicable: dict[str, str]

    def unknown(self, ids: list[str]) -> list[str]:
        """Those of the ids that no claim has."""
        return [each for each in ids if each not in self.claims and each not in self.not_applicable]


def read(file: Path = FILE) -> Table:
    """The table of `claims.toml`, in its order."""
    content = tomllib.loads(file.read_text(encoding="utf-8"))
    return Table(content["claims"], content["not-applicable"])
