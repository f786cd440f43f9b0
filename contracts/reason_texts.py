"""What every reason code says to a person: cause, effect and fix, in English and Georgian (claims K18, I10)."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter

from contracts.reasons import Reason

SOURCE = Path(__file__).with_name("reasons.toml")
Owner = Literal["accountant", "storefront", "integrator", "merchant"]


class Wording(BaseModel):
    """One language. Each text is a sentence; what stands in capitals (`ID`, `SHOP`) is to be filled in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cause: str
    effect: str
    fix: str


class ReasonText(BaseModel):
    """Who mends it, whether it goes by itself once the cause is gone, and what to tell."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    owner: Owner
    heals: bool
    en: Wording
    ka: Wording


def texts(reason: Reason) -> ReasonText:
    """The texts of a reason code. Raises `KeyError` for a code without texts (a test allows none)."""
    return all_texts()[reason]


@cache
def all_texts() -> dict[Reason, ReasonText]:
    """The texts of every code in `reasons.toml`. Raises `ValidationError` for an unknown code or a missing text."""
    with SOURCE.open("rb") as file:
        return TypeAdapter(dict[Reason, ReasonText]).validate_python(tomllib.load(file))


def known(code: str) -> ReasonText | None:
    """The texts of a code as it stands in an event; None for one that this version does not know."""
    return all_texts()[Reason(code)] if code in set(Reason) else None
