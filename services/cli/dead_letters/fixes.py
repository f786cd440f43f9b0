"""What to do about dead letters, from the catalogue of reasons, with the ids and codes filled in."""

from __future__ import annotations

import re
from collections.abc import Sequence

from contracts.reason_texts import Wording, known
from services.cli.dead_letter_log import DeadLetter

_ONE = re.compile(r"(davtari dead-letters \w+) ID")
UNKNOWN = Wording(
    cause="This version of Davtari does not know the reason code.",
    effect="See the detail.",
    fix="Update the davtari command, then `davtari dead-letters show ID`.",
)


def owner(reason: str) -> str:
    """The role that mends it."""
    told = known(reason)
    return told.owner if told else "integrator"


def heals(reason: str) -> bool:
    """Whether it goes by itself once the cause is gone."""
    told = known(reason)
    return told.heals if told else False


def wording(reason: str, language: str) -> Wording:
    """Cause, effect and fix in a language."""
    told = known(reason)
    if told is None:
        return UNKNOWN
    return told.ka if language == "ka" else told.en


def fix(letters: Sequence[DeadLetter], language: str) -> str:
    """What to do about letters of one reason: the command for the one, or for all of them at once."""
    first = letters[0].letter
    text = wording(first.reason, language).fix
    if len(letters) == 1:
        filled = _ONE.sub(rf"\1 {letters[0].id}", text)
        shop, order = letters[0].shop, letters[0].order
        return filled.replace("ORDER --shop SHOP", f"{order} --shop {shop}") if shop and order else filled
    text = text.replace("dead-letters discard ID", f"dead-letters discard --reason-code {first.reason}")
    return text.replace("dead-letters replay ID", f"dead-letters replay --reason-code {first.reason}")
