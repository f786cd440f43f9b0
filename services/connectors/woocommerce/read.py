"""Reading WooCommerce's records: PHP's habits are understood, money is exact, what is wrong is named.

Of each record only what somebody decides or books by is checked; anything may stand in the rest. The types here say
which is which: `Text`, `Label`, `Word`, `Yes`, `Metas` and `Records` never refuse a value; `Amount`, `Whole`, `Id`,
`Reference`, `Scalar`, `Moment` and `Flag` do; `Figure` and `Date` keep what they cannot read as `Odd`, for those who
need it.
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
from services.connectors.http.unreadable import Unreadable
from services.connectors.woocommerce import php
from services.engine.outbox.upstream_errors import Rejected

ValueT = TypeVar("ValueT")
RecordT = TypeVar("RecordT")


class ReadError(Rejected):
    """What WooCommerce holds cannot be understood; `detail` names the record and the field."""

    @property
    def detail(self) -> str:
        return self.message


@dataclass(frozen=True, slots=True)
class Odd:
    """What stands where a number or a date belongs. It is equal to no value of ours, and it is not empty."""

    text: str

    def __str__(self) -> str:
        return self.text

    def __format__(self, spec: str) -> str:
        """As it stands, whatever the format of a number or date is."""
        return self.text


def absent() -> PydanticCustomError:
    """The error of a field that is empty and must not be."""
    return PydanticCustomError("davtari.absent", "is empty")


def wrong(phrase: LiteralString) -> PydanticCustomError:
    """The error of a field; `phrase` follows what stands in it, e.g. "is not an amount"."""
    return PydanticCustomError("davtari.wrong", phrase)


def private(phrase: LiteralString) -> PydanticCustomError:
    """The error of a field whose value may name somebody: it is not repeated."""
    return PydanticCustomError("davtari.private", phrase)


def needed(read: Callable[[Any], ValueT | None], phrase: LiteralString) -> Callable[[Any], ValueT]:
    """A validator for a field that must be filled."""

    def validate(value: Any) -> ValueT:
        if php.is_absent(value):
            raise absent()
        if (found := read(value)) is None:
            raise wrong(phrase)
        return found

    return validate


def amount(value: Any) -> Decimal | None:
    """An amount or quantity of a believable size; None for anything else."""
    found = php.number(value)
    return found if found is not None and abs(found) < ABSURD else None


def _optional(value: Any) -> Decimal | None:
    return None if php.is_absent(value) else _amount(value)


def _moment(value: Any) -> datetime | None:
    return None if php.is_no_date(value) else _needed_moment(value)


def _flag(value: Any) -> bool:
    found = php.flag(value)
    if found is None:
        raise wrong("says neither yes nor no")
    return found


def _reference(value: Any) -> int:
    return 0 if php.is_absent(value) else _whole(value)


def _scalar(value: Any) -> str:
    found = php.text(value)
    if found is None:
        raise wrong("is not a text")
    return found.strip()


def _entries(value: Any) -> list[Any]:
    found = php.entries(value)
    if found is None:
        raise wrong("is not a list")
    return found


def _odd(
    read: Callable[[Any], ValueT | None], is_absent: Callable[[Any], bool]
) -> Callable[[Any], ValueT | Odd | None]:
    def validate(value: Any) -> ValueT | Odd | None:
        if is_absent(value):
            return None
        found = read(value)
        return Odd(_shown(value)) if found is None else found

    return validate


def _shown(value: Any) -> str:
    return (php.text(value) or shown(value))[:40]


_amount = needed(amount, "is not an amount")
_whole = needed(php.whole, "is not a whole number")
_needed_moment = needed(php.moment, "is not a date with a time")

Text = Annotated[str, BeforeValidator(lambda value: php.text(value) or "")]
Word = Annotated[Text, AfterValidator(str.strip)]
"""A text that is compared, such as a status or an SKU."""
Scalar = Annotated[str, PlainValidator(_scalar)]
"""A word by which something is decided: a list or object in its place is refused."""
Label = Annotated[Text, AfterValidator(unescape)]
"""A text for people: WooCommerce stores `&` as `&amp;`."""
Whole = Annotated[int, PlainValidator(_whole)]
Id = Annotated[Whole, Field(gt=0)]
Reference = Annotated[int, PlainValidator(_reference)]
"""The id of another record; 0 where there is none."""
Amount = Annotated[Decimal, PlainValidator(_amount)]
OptionalAmount = Annotated[Decimal | None, PlainValidator(_optional)]
Figure = Annotated[Decimal | Odd | None, PlainValidator(_odd(amount, php.is_absent))]
"""A number that not everybody needs; None where there is none."""
Moment = Annotated[datetime, PlainValidator(_needed_moment)]
OptionalMoment = Annotated[datetime | None, PlainValidator(_moment)]
Date = Annotated[datetime | Odd | None, PlainValidator(_odd(php.moment, php.is_no_date))]
"""A moment that not everybody needs; None where there is none."""
Flag = Annotated[bool, PlainValidator(_flag)]
Yes = Annotated[bool, PlainValidator(php.is_yes)]
Table = BeforeValidator(lambda value: value if isinstance(value, Mapping) else {})
Rows = BeforeValidator(_entries)
"""A list whose entries are all needed."""
Records = BeforeValidator(php.records)
"""A list of which the objects are read and the rest is left out."""


class Answered(BaseModel):
    """A record as WooCommerce answers it; fields that nobody needs are left out."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)


class Meta(Answered):
    """A custom field; `value` may be anything."""

    key: Text = ""
    value: Any = None


Metas = Annotated[tuple[Meta, ...], Records]


def field_error(place: tuple[str | int, ...], error: PydanticCustomError, value: Any) -> ValidationError:
    """The error of one field, for what is found only once the whole record is read."""
    given = value.text if isinstance(value, Odd) else value
    return ValidationError.from_exception_data("record", [{"type": error, "loc": place, "input": given}])


@contextmanager
def reading(what: str, reason: Reason) -> Iterator[None]:
    """Turns invalid data into a `ReadError` about `what`, e.g. "shop main: order 17"."""
    try:
        yield
    except ValidationError as error:
        raise ReadError(f"{what}: {describe(error, values=True)}", reason=reason) from None


def or_unreadable(read: Callable[[], RecordT]) -> RecordT | Unreadable:
    """What a reader reads, or why it cannot: one odd record of a list must not hide the others (claim K29)."""
    try:
        return read()
    except ReadError as error:
        return Unreadable(error.reason, error.message)


def named(record: str, json: Any) -> str:
    """How a record is named to a person, e.g. `product 10`."""
    identity = json.get("id") if isinstance(json, Mapping) else None
    return f"{record} {_shown(identity)}" if not php.is_absent(identity) else f"{record} without id"


def meta_text(metas: tuple[Meta, ...], keys: tuple[str, ...]) -> str | None:
    """The first filled custom field of these keys, trimmed; None when there is none."""
    values = {meta.key: (php.text(meta.value) or "").strip() for meta in metas}
    return next((values[key] for key in keys if values.get(key)), None)
