"""meta_data: one value per key, numbers and booleans come back as strings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Meta = list[dict[str, Any]]


def merged(stored: Meta, sent: Meta, next_id: Callable[[], int]) -> Meta:
    """The stored list after a write (API fact: reference section 2, meta_data).

    A key without id replaces that key's value and keeps its id; null deletes; an id that belongs to another key, or
    to none, deletes the key's row and makes a new one.
    """
    rows = {row["key"]: row for row in stored}
    by_id = {row["id"]: row["key"] for row in stored}
    for entry in sent:
        key = entry.get("key") or by_id.get(entry.get("id"))
        if key is None:
            continue
        if entry.get("value") is None:
            rows.pop(key, None)
        else:
            row = _kept_row(rows, key, entry.get("id")) or {"id": next_id(), "key": key}
            rows[key] = {**row, "value": as_stored(entry["value"])}
    return list(rows.values())


def _kept_row(rows: dict[str, dict[str, Any]], key: str, sent_id: Any) -> dict[str, Any] | None:
    row = rows.get(key)
    if row is not None and sent_id in (None, "", row["id"]):
        return row
    rows.pop(key, None)
    return None


def as_stored(value: Any) -> Any:
    """Scalars become strings as in PHP, objects and lists survive."""
    if isinstance(value, bool):
        return "1" if value else ""
    return str(value) if isinstance(value, int | float) else value


def displayed(meta_id: int, key: str, value: str) -> dict[str, Any]:
    """A meta row of an order line, which repeats itself for display."""
    return {"id": meta_id, "key": key, "value": value, "display_key": key, "display_value": value}
