"""What is wrong with data, in our own words: nobody who reads a message should have to know pydantic."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

MOST = 5
"""More problems than these are only counted."""
LONGEST_VALUE = 40
"""Characters of a value that a message repeats."""
NO_VALUE = frozenset(
    {
        "missing",
        "extra_forbidden",
        "value_error",
        "assertion_error",
        "json_invalid",
        "davtari.absent",
        "davtari.private",
    }
)
"""Problems for which the value says nothing, or whose own message names it."""
PHRASES: Mapping[str, str] = {
    "missing": "is missing",
    "extra_forbidden": "is not a known field",
    "json_invalid": "is not valid JSON",
    "json_type": "is not valid JSON",
    "none_required": "must be left out",
    "string_type": "is not a text",
    "string_sub_type": "is not a text",
    "string_unicode": "is not a text in Unicode",
    "string_pattern_mismatch": "does not match {pattern}",
    "string_too_long": "is longer than {max_length} characters",
    "int_type": "is not a whole number",
    "int_parsing": "is not a whole number",
    "int_from_float": "is not a whole number",
    "int_parsing_size": "is too large",
    "float_type": "is not a number",
    "float_parsing": "is not a number",
    "decimal_type": "is not a number",
    "decimal_parsing": "is not a number",
    "finite_number": "is not a finite number",
    "decimal_max_digits": "has more than {max_digits} digits",
    "decimal_max_places": "has more than {decimal_places} decimal places",
    "decimal_whole_digits": "has more than {whole_digits} digits before the decimal point",
    "multiple_of": "is not a multiple of {multiple_of}",
    "greater_than": "is not greater than {gt}",
    "greater_than_equal": "is less than {ge}",
    "less_than": "is not less than {lt}",
    "less_than_equal": "is greater than {le}",
    "bool_type": "is neither true nor false",
    "bool_parsing": "is neither true nor false",
    "literal_error": "is not one of {expected}",
    "enum": "is not one of {expected}",
    "list_type": "is not a list",
    "tuple_type": "is not a list",
    "set_type": "is not a list",
    "frozen_set_type": "is not a list",
    "iterable_type": "is not a list",
    "dict_type": "is not an object",
    "mapping_type": "is not an object",
    "model_type": "is not an object",
    "model_attributes_type": "is not an object",
    "dataclass_type": "is not an object",
    "too_short": "has fewer than {min_length} entries",
    "too_long": "has more than {max_length} entries",
    "date_type": "is not a date",
    "date_parsing": "is not a date",
    "date_from_datetime_parsing": "is not a date",
    "date_from_datetime_inexact": "is not a date without a time",
    "date_past": "is not in the past",
    "date_future": "is not in the future",
    "time_type": "is not a time of day",
    "time_parsing": "is not a time of day",
    "datetime_type": "is not a date with a time",
    "datetime_parsing": "is not a date with a time",
    "datetime_object_invalid": "is not a date with a time",
    "datetime_from_date_parsing": "is not a date with a time",
    "datetime_past": "is not in the past",
    "datetime_future": "is not in the future",
    "timezone_naive": "has a time zone",
    "timezone_aware": "has no time zone",
    "timezone_offset": "has another time zone than expected",
    "time_delta_type": "is not a duration",
    "time_delta_parsing": "is not a duration",
    "url_type": "is not a web address",
    "url_parsing": "is not a web address",
    "url_syntax_violation": "is not a web address",
    "url_too_long": "is longer than {max_length} characters",
    "url_scheme": "does not begin with {expected_schemes}",
    "uuid_type": "is not a UUID",
    "uuid_parsing": "is not a UUID",
    "uuid_version": "is not a UUID of version {expected_version}",
    "path_type": "is not a path",
    "bytes_type": "is not bytes",
    "recursion_loop": "is nested in itself",
}
"""By pydantic's type of error: the words that follow the name of the field."""
OTHERWISE = "is not valid here"
OWN = "davtari."
"""The types of our own `PydanticCustomError`s begin so; their message is such a phrase."""
HUGE = 10**LONGEST_VALUE


def describe(error: ValidationError, *, values: bool = False) -> str:
    """All that is wrong, e.g. ``field `total` is "1,234.50", which is not an amount``.

    `values`: whether the values of the fields are repeated; never for data that may be personal or secret.
    """
    faults = error.errors(include_url=False)
    texts = [f"{_field(fault)}{problem(fault, value=values)}" for fault in faults[:MOST]]
    more = [f"and {len(faults) - MOST} more"] if len(faults) > MOST else []
    return "; ".join([*texts, *more])


def problem(fault: ErrorDetails, *, value: bool = False) -> str:
    """What is wrong with one field, as the end of a sentence that begins with its name."""
    phrase = _phrase(fault)
    if value and fault["type"] not in NO_VALUE:
        return f"is {shown(fault['input'])}, which {phrase}"
    return phrase


def shown(value: Any) -> str:
    """A value for a message: texts shortened and in quotes, of lists and objects only what they are."""
    match value:
        case list() | tuple():
            return "a list"
        case Mapping():
            return "an object"
        case bool() | None:
            return json.dumps(value)
        case str():
            text = value if len(value) <= LONGEST_VALUE else value[: LONGEST_VALUE - 1] + "…"
            return json.dumps(text, ensure_ascii=False).encode(errors="replace").decode()
        case int() if abs(value) >= HUGE:
            return f"a number of more than {LONGEST_VALUE} digits"
    return str(value)[:LONGEST_VALUE]


def plain(error: Exception) -> str:
    """An error that nobody foresaw, for a person: its kind and what it says, or `describe` of invalid data."""
    return describe(error) if isinstance(error, ValidationError) else f"{type(error).__name__}: {error}"


def _field(fault: ErrorDetails) -> str:
    place = ".".join(map(str, fault["loc"]))
    return f"field `{place}` " if place else "the record "


def _phrase(fault: ErrorDetails) -> str:
    kind, context = fault["type"], fault.get("ctx", {})
    if kind in ("value_error", "assertion_error"):
        return f"cannot be used: {context.get('error', '')}".removesuffix(": ")
    if kind == "string_too_short":
        least = context["min_length"]
        return "is empty" if least == 1 else f"is shorter than {least} characters"
    if kind in PHRASES:
        return PHRASES[kind].format(**context)
    return fault["msg"] if kind.startswith(OWN) else OTHERWISE
