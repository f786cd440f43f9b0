"""The text of every reason code: cause, effect and fix (claims K18, I10).

The English texts are in `reasons.toml`; translations are in the gettext catalogues (`services/locale`).
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter

from contracts.reasons import Reason

SOURCE = Path(__file__).with_name("reasons.toml")
Owner = Literal["accountant", "storefront", "integrator", "merchant"]
SENTENCES = ("cause", "effect", "fix")


class ReasonText(BaseModel):
    """Who resolves it, whether it resolves by itself once the cause is gone, and three English sentences.

    Words in capitals (`ID`, `SHOP`) are placeholders.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    owner: Owner
    resolves_by_itself: bool
    cause: str
    effect: str
    fix: str


def text_of(reason: Reason) -> ReasonText:
    """The text of a reason code. Raises `KeyError` for a code without a text (a test allows none)."""
    return all_texts()[reason]


@cache
def all_texts() -> dict[Reason, ReasonText]:
    """The text of every code in `reasons.toml`. Raises `ValidationError` for an unknown code or a missing sentence."""
    with SOURCE.open("rb") as file:
        return TypeAdapter(dict[Reason, ReasonText]).validate_python(tomllib.load(file))


def find_text(code: str) -> ReasonText | None:
    """The text of a code in an event; None for a code that this version does not know."""
    return all_texts()[Reason(code)] if code in set(Reason) else None
