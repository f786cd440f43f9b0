"""Encodes what is sent to Balance: configured keys, exact numbers, local dates, no empty fields."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import orjson

from services.connectors.balance.values import format_day, format_moment, format_number, parse_number
from services.settings.balance import Dialect

NUMERIC = frozenset(
    {
        "Quantity", "Price", "Discount", "DiscountedPrice", "Amount", "AmountIncludingVAT", "VAT", "Cost", "Excise",
        "CurrencyRate", "Rate", "Multiplicity", "FeeAmount", "Reserve",
    }
)  # fmt: skip
"""Numeric fields: their text becomes a JSON number if `numbers-as-text` is off."""


def to_wire(document: Mapping[str, Any], resource: str, dialect: Dialect) -> dict[str, Any]:
    """The document in Balance's form, including tabular parts; Decimals remain only if numbers are not text.

    Empty text, None and empty lists are left out, so that Balance applies its own defaults (Balance fact 13).
    `dialect.field_names` renames a field everywhere, or of one resource as `SalesCredit.VATRate`.
    """
    return {
        wire_name(name, resource, dialect): _written(name, value, resource, dialect)
        for name, value in document.items()
        if not _is_empty(value)
    }


def encode_body(document: Mapping[str, Any], resource: str, dialect: Dialect) -> bytes:
    """The body of a write: an array of one document, UTF-8."""
    return orjson.dumps([to_wire(document, resource, dialect)], default=_exact)


def wire_name(name: str, resource: str, dialect: Dialect) -> str:
    """The name of a field in this Balance."""
    names = dialect.field_names
    return names.get(f"{resource}.{name}") or names.get(name) or name


def _written(name: str, value: Any, resource: str, dialect: Dialect) -> Any:
    if isinstance(value, str):
        return _number(name, value, dialect)
    if isinstance(value, Mapping):
        return to_wire(value, resource, dialect)
    if isinstance(value, list | tuple):
        return [_written(name, each, resource, dialect) for each in value]
    if isinstance(value, datetime):
        return format_moment(value)
    if isinstance(value, date):
        return format_day(value)
    return _number(name, value, dialect)


def _number(name: str, value: Any, dialect: Dialect) -> Any:
    if dialect.numbers_as_text:
        return format_number(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else value
    return _digits(value) if isinstance(value, str) and name in NUMERIC else value


def _digits(text: str) -> Any:
    """The number in a text; any other text is sent unchanged and Balance decides about it."""
    try:
        return parse_number(text)
    except ValueError:
        return text


def _is_empty(value: Any) -> bool:
    return value is None or (not value and isinstance(value, str | list | tuple | Mapping))


def _exact(value: Any) -> Any:
    """A Decimal as a JSON number digit by digit; a float would not be exact."""
    if isinstance(value, Decimal):
        return orjson.Fragment(format_number(value))
    raise TypeError(f"{type(value).__name__} cannot be sent to Balance")
