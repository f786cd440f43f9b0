"""Faults in data are reported in our own words, never in pydantic's."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import pytest
from pydantic import AnyUrl, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails, core_schema

from contracts.validation import LONGEST_VALUE, OTHERWISE, OWN, describe, plain, problem, shown

CONTEXT: dict[str, Any] = {
    "error": ValueError("write five fields"),
    "pattern": "^[a-z]+$",
    "expected": "'a' or 'b'",
    "gt": 0,
    "ge": 0,
    "lt": 9,
    "le": 9,
    "min_length": 2,
    "max_length": 9,
    "actual_length": 1,
    "field_type": "List",
    "max_digits": 3,
    "decimal_places": 2,
    "whole_digits": 1,
    "multiple_of": 3,
    "expected_schemes": "'https'",
    "expected_version": 4,
    "class": "Thing",
    "class_name": "Thing",
    "method_name": "m",
    "attribute": "a",
    "discriminator": "kind",
    "tag": "x",
    "expected_tags": "'a', 'b'",
    "encoding": "utf-8",
    "encoding_error": "bad",
    "tz_expected": 0,
    "tz_actual": 1,
}
PYDANTIC = re.compile(
    r"Input|should|unable to|Value error|Extra inputs|Field required|[Vv]alid (string|integer|number)"
)


def fault(kind: str) -> ErrorDetails:
    """An error of pydantic of this type, with everything that it may contain."""
    return {"type": kind, "loc": ("total",), "msg": "Input should be sound", "input": "x", "ctx": CONTEXT}


@pytest.mark.parametrize("kind", get_args(core_schema.ErrorType))
def test_no_kind_of_error_is_reported_in_the_words_of_pydantic(kind: str) -> None:
    for value in (False, True):
        message = problem(fault(kind), value=value)
        assert message
        assert not PYDANTIC.search(message), message
        assert "{" not in message


class Rates(BaseModel):
    """A model with fields of many kinds."""

    model_config = ConfigDict(extra="forbid")

    total: Decimal = Decimal(0)
    positive: Annotated[int, Field(gt=0)] = 1
    name: Annotated[str, Field(min_length=1)] = "x"
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = "GEL"
    kind: Literal["sale", "refund"] = "sale"
    day: date = date(2026, 11, 1)
    at: AwareDatetime | None = None
    url: AnyUrl | None = None
    lines: tuple[Rates, ...] = ()
    yes: bool = True


MESSAGES = {
    "an amount with a thousands separator": (
        {"total": "1,234.50"},
        'field `total` is "1,234.50", which is not a number',
    ),
    "an object instead of a number": ({"total": {}}, "field `total` is an object, which is not a number"),
    "a number below the least": ({"positive": 0}, "field `positive` is 0, which is not greater than 0"),
    "a number that is too long to print": (
        {"name": 10**5000},
        "field `name` is a number of more than 40 digits, which is not a text",
    ),
    "an empty text": ({"name": ""}, 'field `name` is "", which is empty'),
    "a lone surrogate": ({"total": "\ud800"}, 'field `total` is "?", which is not a number'),
    "a text of the wrong form": ({"currency": "lari"}, 'field `currency` is "lari", which does not match ^[A-Z]{3}$'),
    "a word that is not foreseen": (
        {"kind": "gift"},
        "field `kind` is \"gift\", which is not one of 'sale' or 'refund'",
    ),
    "a day that is none": ({"day": "soon"}, 'field `day` is "soon", which is not a date'),
    "a moment without a zone": (
        {"at": datetime(2026, 11, 1)},  # noqa: DTZ001
        "field `at` is 2026-11-01 00:00:00, which has no time zone",
    ),
    "an address that is none": ({"url": "shop"}, 'field `url` is "shop", which is not a web address'),
    "a field of a line": ({"lines": [{}, {"yes": "perhaps"}]}, 'field `lines.1.yes` is "perhaps", which is neither'),
    "an unknown field": ({"colour": "red"}, "field `colour` is not a known field"),
    "null": ({"total": None}, "field `total` is null, which is not a number"),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_the_field_and_its_value_are_named(name: str) -> None:
    given, message = MESSAGES[name]
    with pytest.raises(ValidationError) as raised:
        Rates.model_validate(given)
    assert describe(raised.value, values=True).startswith(message)


def test_values_are_not_repeated_unless_asked_for() -> None:
    with pytest.raises(ValidationError) as raised:
        Rates.model_validate({"total": "Nino Beridze", "colour": "secret"})
    assert describe(raised.value) == "field `total` is not a number; field `colour` is not a known field"


def test_many_problems_are_counted() -> None:
    with pytest.raises(ValidationError) as raised:
        Rates.model_validate({"lines": [{"total": "x"}] * 9})
    assert describe(raised.value).endswith("field `lines.4.total` is not a number; and 4 more")


def test_bytes_that_are_no_json() -> None:
    with pytest.raises(ValidationError) as raised:
        Rates.model_validate_json(b'{"total": ')
    assert describe(raised.value) == "the record is not valid JSON"


def test_our_own_words_are_kept() -> None:
    own: ErrorDetails = {"type": OWN + "amount", "loc": ("total",), "msg": "is not an amount", "input": "x"}
    assert problem(own, value=True) == 'is "x", which is not an amount'
    foreign: ErrorDetails = {"type": "somebody.else", "loc": ("total",), "msg": "Input should be sound", "input": "x"}
    assert problem(foreign) == OTHERWISE


def test_a_long_value_is_cut() -> None:
    assert len(shown("x" * 1000)) == LONGEST_VALUE + 2


def test_an_unforeseen_error_keeps_its_kind_and_is_reported_like_any_other() -> None:
    assert plain(KeyError("x")) == "KeyError: 'x'"
    with pytest.raises(ValidationError) as raised:
        Rates.model_validate({"positive": 0})
    assert plain(raised.value) == "field `positive` is not greater than 0"


SERVICES = Path(__file__).parents[2] / "services"


def test_no_service_puts_a_message_of_pydantic_into_its_own() -> None:
    """`.errors()` may be read for the place and the type, `msg` only by `contracts.validation`."""
    found = [
        path.name
        for path in SERVICES.rglob("*.py")
        if "sandbox" not in path.parts and re.search(r"""\[["']msg["']\]""", path.read_text(encoding="utf-8"))
    ]
    assert found == []
