"""How WooCommerce stores values: amounts, dates, names, slugs and meta_data."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Container
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

SCRIPT = re.compile(r"<(script|style)[^>]*>.*?</\1>", re.IGNORECASE | re.DOTALL)
TAG = re.compile(r"<[^>]*>")
LOOSE_AMPERSAND = re.compile(r"&(?!#?\w+;)")


def clean_name(name: str) -> str:
    """A product's name: markup is stripped, `&` comes back as `&amp;`, an empty name is "Product"."""
    clean = TAG.sub("", SCRIPT.sub("", name)).strip()
    return LOOSE_AMPERSAND.sub("&amp;", clean) or "Product"


def make_slug(name: str) -> str:
    """The readable slug of a name: lower case, words joined by hyphens."""
    words = re.sub(r"[^\w\s-]", "", html.unescape(name).lower())
    return re.sub(r"[\s_-]+", "-", words).strip("-")


def encode_slug(slug: str) -> str:
    """A slug as the database stores it: percent-encoded in lower case."""
    return quote(slug).lower()


def make_unique(slug: str, taken: Container[str]) -> str:
    """The slug, or slug-2, slug-3, ... if it is taken."""
    found, number = slug, 1
    while found in taken:
        number += 1
        found = f"{slug}-{number}"
    return found


def to_paragraphs(text: str) -> str:
    """A text as a page shows it."""
    if not text:
        return ""
    return f"{text}\n" if text.startswith("<p>") else f"<p>{text}</p>\n"


Meta = list[dict[str, Any]]


def merge_meta(stored: Meta, sent: Meta, next_id: Callable[[], int]) -> Meta:
    """Returns the stored list after a write (WooCommerce fact 27).

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
            rows[key] = {**row, "value": to_stored(entry["value"])}
    return list(rows.values())


def _kept_row(rows: dict[str, dict[str, Any]], key: str, sent_id: Any) -> dict[str, Any] | None:
    row = rows.get(key)
    if row is not None and sent_id in (None, "", row["id"]):
        return row
    rows.pop(key, None)
    return None


def to_stored(value: Any) -> Any:
    """Scalars become strings as in PHP, objects and lists survive."""
    if isinstance(value, bool):
        return "1" if value else ""
    return str(value) if isinstance(value, int | float) else value


def make_display_meta(meta_id: int, key: str, value: str) -> dict[str, Any]:
    """A meta row of an order line, which repeats itself for display."""
    return {"id": meta_id, "key": key, "value": value, "display_key": key, "display_value": value}


# Dates: local without offset in `date_*`, UTC without `Z` in `date_*_gmt`, whole seconds (WooCommerce fact 10).

STORE_ZONE = ZoneInfo("Asia/Tbilisi")
DATE_FORMAT = "%Y-%m-%dT%H:%M:%S"
DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d(:?\d\d)?)?")
EPOCH = datetime(1970, 1, 1, tzinfo=STORE_ZONE)


def format_local(when: datetime) -> str:
    """Formats a time in the store's time zone, as in `date_*` fields."""
    return when.astimezone(STORE_ZONE).strftime(DATE_FORMAT)


def format_gmt(when: datetime) -> str:
    """Formats a time in UTC, as in `date_*_gmt` fields."""
    return when.astimezone(UTC).strftime(DATE_FORMAT)


def set_date(document: dict[str, Any], field: str, when: datetime | None) -> None:
    """Sets `field` and `field_gmt`."""
    document[field] = format_local(when) if when else None
    document[f"{field}_gmt"] = format_gmt(when) if when else None


def get_date(document: dict[str, Any], field: str) -> datetime | None:
    """Reads a date that `set_date` wrote."""
    text = document[f"{field}_gmt"]
    return datetime.strptime(text, DATE_FORMAT).replace(tzinfo=UTC) if text else None


def parse_sale_date(value: Any, zone: Any) -> datetime | None:
    """Parses a sale date: empty clears it, a date is midnight, other text is 1970 (WooCommerce fact 21)."""
    if not value:
        return None
    try:
        read = datetime.fromisoformat(str(value))
    except ValueError:
        return EPOCH
    return read if read.tzinfo else read.replace(tzinfo=zone)


def parse_query_date(text: str, are_gmt: bool) -> datetime:
    """Parses a date of a query, in the store's time zone unless `dates_are_gmt` or an offset. Raises ValueError."""
    if not DATE_TIME.fullmatch(text):
        raise ValueError(text)
    read = datetime.fromisoformat(text.upper())
    return read if read.tzinfo else read.replace(tzinfo=UTC if are_gmt else STORE_ZONE)


NOT_LAST_DOT = re.compile(r"\.(?=.*\.)")
NOT_NUMERIC = re.compile(r"[^0-9.-]")
SIX_DECIMALS = Decimal("0.000001")


def clean_price(value: Any) -> str:
    """Converts a price as WooCommerce does: "10,50" becomes "1050", "abc" becomes "" (WooCommerce fact 19)."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return NOT_LAST_DOT.sub("", NOT_NUMERIC.sub("", "" if value is None else str(value)))


def parse_amount(value: Any) -> Decimal:
    """The amount that a price text means; nothing is zero."""
    text = clean_price(value)
    return Decimal(text) if any(char.isdigit() for char in text) else Decimal(0)


def format_amount(amount: Decimal) -> str:
    """An amount with two decimals."""
    return str(round_amount(amount))


def round_amount(amount: Decimal) -> Decimal:
    """An amount rounded to two decimals, half away from zero, never a negative zero."""
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP) + Decimal("0.00")


def round_six(amount: Decimal) -> Decimal:
    """An amount rounded to the six decimals that WooCommerce calculates with."""
    return amount.quantize(SIX_DECIMALS, ROUND_HALF_UP)


def format_trimmed(amount: Decimal) -> str:
    """At most six decimals, no trailing zeros: "13.881356", "0.9", "0"."""
    text = f"{round_six(amount):f}".rstrip("0").rstrip(".")
    return "0" if text in ("", "-0", "-") else text


def to_json_number(amount: Decimal) -> int | float:
    """A JSON number, as the `price` of an order line is one."""
    return int(amount) if amount == amount.to_integral_value() else float(amount)
