"""The categories of a shop that something goes into: one id, or a list of them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field


def _several(value: Any) -> Any:
    return (value,) if isinstance(value, int) and not isinstance(value, bool) else value


def _each_once(value: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(value))


Categories = Annotated[
    tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1), BeforeValidator(_several), AfterValidator(_each_once)
]
"""`17`, or `[17, 21]`."""
