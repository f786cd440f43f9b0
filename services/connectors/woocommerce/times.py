"""WooCommerce's times: `*_gmt` fields are UTC without a `Z`, to the second (API fact: reference section 2)."""

from __future__ import annotations

from datetime import UTC, datetime


def instant(gmt: str) -> datetime:
    """The moment that a `*_gmt` text means. Raises ValueError when it is none."""
    when = datetime.fromisoformat(gmt)
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(UTC)


def gmt_text(when: datetime) -> str:
    """An aware moment as a `*_gmt` text; fractions of a second are cut off. Raises ValueError for a naive one."""
    if when.tzinfo is None:
        raise ValueError(f"{when.isoformat()} has no time zone")
    return when.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat()
