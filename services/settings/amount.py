"""Amounts in settings: exact, hence written as text."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator


def _text_only(value: object) -> object:
    if isinstance(value, float):
        raise ValueError('write an amount as text, e.g. "0.05": a float is not exact')
    return value


Amount = Annotated[Decimal, BeforeValidator(_text_only)]
