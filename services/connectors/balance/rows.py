"""A row of an answer that cannot be used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pydantic import ValidationError

from contracts.reasons import Reason
from contracts.validation import problem

Row = Mapping[str, Any]
"""One record of an answer, as it came."""


class FieldInvalid(ValueError):
    """A field of a row cannot be read; `problem` continues a sentence that begins with the field's name."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field} {problem}")
        self.field, self.problem = field, problem


class RowInvalid(Exception):
    """A row that cannot be used; `detail` tells a person which record of Balance to mend, and which field."""

    def __init__(self, resource: str, uid: str | None, field: str, problem: str) -> None:
        self.reason = Reason.BALANCE_ROW_INVALID
        self.resource, self.uid, self.field = resource, uid, field
        self.detail = (
            f"Balance {resource}, {uid or 'a row without uid'}: {field} {problem}. "
            "Correct it in Balance; the next import takes it up"
        )
        super().__init__(self.detail)


@contextmanager
def reading(resource: str, uid: str | None) -> Iterator[None]:
    """Names resource and uid for whatever is wrong with a row that is read inside. Raises `RowInvalid`."""
    try:
        yield
    except FieldInvalid as error:
        raise RowInvalid(resource, uid, error.field, error.problem) from None
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in fault["loc"])
        raise RowInvalid(resource, uid, field, problem(fault, value=True)) from None
