"""How long ago, in the largest unit that says it."""

from __future__ import annotations

from services.cli.translation import translator

_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def age(seconds: float, language: str = "en") -> str:
    """`4 s`, `12 min`, `3 h`, `2 d` in a language; never negative."""
    whole = max(0, int(seconds))
    name, size = next((unit for unit in _UNITS if whole >= 2 * unit[1]), _UNITS[-1])
    return f"{whole // size} {translator(language)(name)}"
