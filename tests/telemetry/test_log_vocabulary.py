"""The log has one vocabulary: every service uses the same word for the same thing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from services.engine.telemetry.logs import LOG_FIELDS

SERVICES = Path(__file__).parents[2] / "services"
OUTSIDE = ("sandbox", "demo")
"""Packages whose logs no operator reads."""
LEVELS = {"debug", "info", "warning", "error", "exception", "log"}


def calls() -> Iterator[tuple[str, ast.Call]]:
    """Every call of a logger, with its place in the source."""
    for file in sorted(SERVICES.rglob("*.py")):
        if file.relative_to(SERVICES).parts[0] not in OUTSIDE:
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and _is_log(node.func):
                    yield f"{file.relative_to(SERVICES)}:{node.lineno}", node


def _is_log(called: ast.expr) -> bool:
    return (
        isinstance(called, ast.Attribute)
        and called.attr in LEVELS
        and isinstance(called.value, ast.Name)
        and called.value.id == "log"
    )


def words(call: ast.Call) -> Iterator[str]:
    """The field names of a line."""
    for given in (each.value for each in call.keywords if each.arg == "extra"):
        for node in ast.walk(given):
            if isinstance(node, ast.Dict):
                yield from (key.value for key in node.keys if isinstance(key, ast.Constant))


def test_every_log_line_uses_the_vocabulary() -> None:
    used = [(place, word) for place, call in calls() for word in words(call)]
    assert len(used) > 25
    unknown = [each for each in used if each[1] not in LOG_FIELDS]
    assert unknown == [], "say it with a word of services/engine/telemetry/logs.py, or explain the new word there"


def test_log_messages_are_constant() -> None:
    # variable parts are in the fields, not in the message
    built = [place for place, call in calls() if any(isinstance(each, ast.JoinedStr) for each in call.args)]
    assert built == []
