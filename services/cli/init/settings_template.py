"""Writes answers into the commented template of the settings and keeps its other comments."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

SettingValue = str | int | bool | Sequence[str] | Mapping[str, int] | Mapping[str, str]
SettingTables = Mapping[str, Mapping[str, SettingValue]]
_TABLE = re.compile(r"^(?:# )?\[([^\]]+)\](.*)$")
_KEY = re.compile(r'^(?:# )?([a-z][a-z-]*|"[^"]*") = [^#]*(#.*)?$')
COMMENTS_AT = 37
"""The column of the template's comments."""


def fill_template(template: str, answers: SettingTables, shop: str) -> str:
    """Fill values (`{table: {key: value}}`) into the template; commented tables and keys become settings.

    The template's shop `main` is renamed to `shop`. Tables that the template lacks are appended.
    """
    text = template.replace("shops.main", f"shops.{shop}").replace("secrets/main-", f"secrets/{shop}-")
    blocks = _blocks(text)
    known = {name for name, _ in blocks}
    lines = [line for name, block in blocks for line in _block(name, block, answers.get(name, {}))]
    for name, values in answers.items():
        if name not in known:
            lines += ["", f"[{name}]", *[_line(key, value) for key, value in values.items()]]
    return "\n".join(lines) + "\n"


def _blocks(text: str) -> list[tuple[str, list[str]]]:
    """Split into `(table, lines)`; the head of the file has an empty name."""
    blocks: list[tuple[str, list[str]]] = [("", [])]
    for line in text.splitlines():
        if found := _TABLE.match(line):
            blocks.append((found[1], []))
        blocks[-1][1].append(line)
    return blocks


def _block(name: str, lines: list[str], values: Mapping[str, SettingValue]) -> list[str]:
    if not values:
        return lines
    found = _TABLE.match(lines[0])
    assert found, "a block starts with its table name"
    left, done = dict(values), [_commented(f"[{name}]", found[2].strip())]
    for line in lines[1:]:
        key = _KEY.match(line)
        if key and key[1] in left:
            done.append(_commented(_line(key[1], left.pop(key[1])), key[2] or ""))
        elif not line.startswith('# "'):  # an example of a free key is dropped
            done.append(line)
    at = next((number for number, line in enumerate(done) if not line), len(done))
    return [*done[:at], *[_line(key, value) for key, value in left.items()], *done[at:]]


def _commented(setting: str, comment: str) -> str:
    return f"{setting:<{COMMENTS_AT - 1}} {comment}".rstrip() if comment else setting


def _line(key: str, value: SettingValue) -> str:
    return f"{key} = {to_toml(value)}"


def to_toml(value: SettingValue) -> str:
    """Format a value as TOML."""
    match value:
        case bool() | int() | str() | Decimal():
            return json.dumps(value, ensure_ascii=False)
        case Mapping():
            return "{ " + ", ".join(f"{json.dumps(key)} = {to_toml(item)}" for key, item in value.items()) + " }"
        case _:
            return json.dumps(list(value), ensure_ascii=False)
