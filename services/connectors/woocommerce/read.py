"""Field types for WooCommerce's records: they accept PHP's habits, keep money exact and name what is wrong.

Only fields that decide something are checked. `Text`, `Label`, `Word`, `Yes`, `Metas` and `Records` never refuse a
value; `Amount`, `Whole`, `Id`, `Reference`, `Scalar`, `Moment` and `Flag` do; `Figure` and `Date` keep a value that
they cannot read as `OddValue`, which only matters to those who need it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from html import unescape
from typing import Annotated, Any, LiteralString, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, ValidationError
from pydantic_core import PydanticCustomError

from contracts.model import ABSURD
from contracts.reasons import Reason
from contracts.validation import describe, shown
from services.connectors.http.listing import UnreadableRecord
from services.connectors.woocommerce import php
from services.engine.outbox.upstream_errors import Rejected

ValueT = TypeVar("ValueT")
RecordT = TypeVar("RecordT")


class ReadError(Rejected):
    """A record of WooCommerce cannot be read; `detail` names the record and the field."""

    @property
    def detail(self) -> str:
        """The message for a person."""
        return self.message


@dataclass(frozen=True, slots=True)
class OddValue:
    """A value that is not the number or date that it should be. It equals no other value, and it is not empty."""

    text: str

    def __str__(self) -> str:
        return self.text

    def __format__(self, spec: str) -> str:
        """The text itself; the format of a number or date is ignored."""
        return self.text


def empty_error() -> PydanticCustomError:
    """The error of a required field that is empty."""
    return PydanticCustomError("davtari.absent", "is empty")


def value_error(phrase: LiteralString) -> PydanticCustomError:
    """The error of a field; `phrase` follows its value, e.g. "is not an amount"."""
    return PydanticCustomError("davtari.wrong", phrase)


def private_value_error(phrase: LiteralString) -> PydanticCustomError:
    """The error of a field whose value may be personal data and is not repeated."""
    return PydanticCustomError("davtari.private", phrase)


def require(read: Callable[[Any], ValueT | None], phrase: LiteralString) -> Callable[[Any], ValueT]:
    """A validator for a field that must not be empty."""

    def validate(value: Any) -> ValueT:
        if php.is_absent(value):
            raise empty_error()
        if (found := read(value)) is None:
            raise value_error(phrase)
        return found

    return validate


def parse_amount(value: Any) -> Decimal | None:
    """An amount or quantity of a plausible size; None for anything else."""
    found = php.number(value)
    return found if found is not None and abs(found) < ABSURD else None


def _optional(value: Any) -> Decimal | None:
    return None if php.is_absent(value) else _amount(value)


def _moment(value: Any) -> datetime | None:
    return None if php.is_no_date(value) else _needed_moment(value)


def _flag(value: Any) -> bool:
    found = php.flag(value)
    if found is None:
        raise value_error("is neither yes nor no")
    return found


def _reference(value: Any) -> int:
    return 0 if php.is_absent(value) else _whole(value)


def _scalar(value: Any) -> str:
    found = php.text(value)
    if found is None:
        raise value_error("is not a text")
    return found.strip()


def _entries(value: Any) -> list[Any]:
    found = php.entries(value)
    if found is None:
        raise value_error("is not a list")
    return found


def _keep_odd(
    read: Callable[[Any], ValueT | None], is_absent: Callable[[Any], bool]
) -> Callable[[Any], ValueT | OddValue | None]:
    def validate(value: Any) -> ValueT | OddValue | None:
        if is_absent(value):
            return None
        found = read(value)
        return OddValue(_shown(value)) if found is None else found

    return validate


def _shown(value: Any) -> str:
    return (php.text(value) or shown(value))[:40]


_amount = require(parse_amount, "is not an amount")
_whole = require(php.whole, "is not a whole number")
_needed_moment = require(php.moment, "is not a date with a time")

Text = Annotated[str, BeforeValidator(lambda value: php.text(value) or "")]
Word = Annotated[Text, AfterValidator(str.strip)]
"""A text that is compared, such as a status or a SKU."""
Scalar = Annotated[str, PlainValidator(_scalar)]
"""A word that decides something: a list or object in its place is refused."""
Label = Annotated[Text, AfterValidator(unescape)]
"""A text for people: WooCommerce stores `&` as `&amp;`."""
Whole = Annotated[int, PlainValidator(_whole)]
Id = Annotated[Whole, Field(gt=0)]
Reference = Annotated[int, PlainValidator(_reference)]
"""The id of another record; 0 if there is none."""
Amount = Annotated[Decimal, PlainValidator(_amount)]
OptionalAmount = Annotated[Decimal | None, PlainValidator(_optional)]
Figure = Annotated[Decimal | OddValue | None, PlainValidator(_keep_odd(parse_amount, php.is_absent))]
"""A number that not every reader needs; None if there is none."""
Moment = Annotated[datetime, PlainValidator(_needed_moment)]
OptionalMoment = Annotated[datetime | None, PlainValidator(_moment)]
Date = Annotated[datetime | OddValue | None, PlainValidator(_keep_odd(php.moment, php.is_no_date))]
"""A moment that not every reader needs; None if there is none."""
Flag = Annotated[bool, PlainValidator(_flag)]
Yes = Annotated[bool, PlainValidator(php.is_yes)]
Table = BeforeValidator(lambda value: value if isinstance(value, Mapping) else {})
Rows = BeforeValidator(_entries)
"""A list whose entries are all required."""
Records = BeforeValidator(php.records)
"""A list; entries that are not objects are left out."""


class Answered(BaseModel):
    """A record as WooCommerce answers it; unknown fields are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)


class Meta(Answered):
    """A custom field; `value` may be anything."""

    key: Text = ""
    value: Any = None


Metas = Annotated[tuple[Meta, ...], Records]


def build_field_error(place: tuple[str | int, ...], error: PydanticCustomError, value: Any) -> ValidationError:
    """The error of one field, for a fault that is found only after the whole record is read."""
    given = value.text if isinstance(value, OddValue) else value
    return ValidationError.from_exception_data("record", [{"type": error, "loc": place, "input": given}])


@contextmanager
def reading_record(what: str, reason: Reason) -> Iterator[None]:
    """Turn invalid data into a `ReadError` about `what`, e.g. "shop main: order 17"."""
    try:
        yield
    except ValidationError as error:
        raise ReadError(f"{what}: {describe(error, values=True)}", reason=reason) from None


def or_unreadable(read: Callable[[], RecordT]) -> RecordT | UnreadableRecord:
    """The record, or why it cannot be read: one odd record of a list must not hide the others (claim K29)."""
    try:
        return read()
    except ReadError as error:
        return UnreadableRecord(error.reason, error.message)


def name_record(record: str, json: Any) -> str:
    """The name of a record in messages, e.g. `product 10`."""
    identity = json.get("id") if isinstance(json, Mapping) else None
    return f"{record} {_shown(identity)}" if not php.is_absent(identity) else f"{record} without id"


def read_meta_text(metas: tuple[Meta, ...], keys: tuple[str, ...]) -> str | None:
    """The first filled custom field of these keys, trimmed; None when there is none."""
    values = {meta.key: (php.text(meta.value) or "").strip() for meta in metas}
    return next((values[key] for key in keys if values.get(key)), None)
