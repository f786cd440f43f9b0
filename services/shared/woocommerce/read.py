"""Reading WooCommerce's JSON: tolerant of PHP's habits, exact about money, clear about what is wrong.

PHP writes an empty table as `[]` and a list with gaps as an object, leaves texts null, and mixes numbers and texts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from html import unescape
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from contracts.model import Money as PlainMoney
from contracts.reasons import Reason
from services.shared.upstream.errors import Rejected
from services.shared.woocommerce.times import instant


class ReadError(Rejected):
    """What WooCommerce holds cannot be understood; `detail` names the record and the field."""

    @property
    def detail(self) -> str:
        return self.message


def _table(value: Any) -> Any:
    return {} if value == [] or value is None else value


def _rows(value: Any) -> Any:
    return list(value.values()) if isinstance(value, dict) else value


def _no_flag(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("a number is meant, not true or false")
    return value


def _empty_is_none(value: Any) -> Any:
    return None if value == "" else value


def _moment(value: Any) -> Any:
    return instant(value) if isinstance(value, str) else value


Text = Annotated[str, BeforeValidator(lambda value: "" if value is None else value)]
Label = Annotated[Text, AfterValidator(unescape)]
"""A text for people: WooCommerce stores `&` as `&amp;`."""
Whole = Annotated[int, BeforeValidator(_no_flag)]
Amount = Annotated[PlainMoney, Field(decimal_places=18)]
OptionalAmount = Annotated[Amount | None, BeforeValidator(_empty_is_none)]
Moment = Annotated[datetime, BeforeValidator(_moment)]
OptionalMoment = Annotated[datetime | None, BeforeValidator(lambda value: _moment(_empty_is_none(value)))]
Table = BeforeValidator(_table)
Rows = BeforeValidator(_rows)


class Answered(BaseModel):
    """A record as WooCommerce answers it; fields that nobody needs are left out, unknown texts are let through."""

    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True, defer_build=True)


class Meta(Answered):
    """A custom field; `value` may be anything."""

    key: Text = ""
    value: Any = None


Metas = Annotated[tuple[Meta, ...], Rows]


@contextmanager
def reading(what: str, reason: Reason) -> Iterator[None]:
    """Turns pydantic's refusals into a `ReadError` about `what`, e.g. "main: order 17"."""
    try:
        yield
    except ValidationError as error:
        raise ReadError(f"{what}: {_faults(error)}", reason=reason) from None


def meta_text(metas: tuple[Meta, ...], keys: tuple[str, ...]) -> str | None:
    """The first filled custom field of these keys, trimmed; None when there is none."""
    values = {meta.key: str(meta.value).strip() for meta in metas if isinstance(meta.value, str | int)}
    return next((values[key] for key in keys if values.get(key)), None)


def _faults(error: ValidationError) -> str:
    """Field and fault only: the values may be personal data."""
    return "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()[:5])
