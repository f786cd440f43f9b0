"""Records of an upstream that a command could not read: named at its end, so that nobody takes a part for the whole."""

from __future__ import annotations

from collections.abc import Sequence

from services.cli.screen import errors
from services.connectors.http.unreadable import Unreadable

SHOWN = 20


def show_left_out(left_out: Sequence[Unreadable]) -> None:
    """Say on stderr which records were left out and why, if any were; data on stdout stays data."""
    if not left_out:
        return
    errors.print(f"{_records(len(left_out))} left out, which could not be read:", style="yellow")
    for one in left_out[:SHOWN]:
        errors.print(f"  {one.detail}", soft_wrap=True, markup=False)
    if len(left_out) > SHOWN:
        errors.print(f"  and {len(left_out) - SHOWN} more")


def _records(count: int) -> str:
    return "1 record was" if count == 1 else f"{count} records were"
