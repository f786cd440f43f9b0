"""Texts for people in their language, from the gettext catalogues in `services/locale`.

`make catalogues` updates them. Mark a text with `_("…")`; Babel does not find one inside an f-string.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from gettext import NullTranslations, translation
from pathlib import Path
from typing import Literal

from contracts.reason_texts import ReasonText

Language = Literal["en", "ka"]
Translate = Callable[[str], str]
LOCALE = Path(__file__).parents[1] / "locale"


@cache
def translator(language: str) -> Translate:
    """The function that translates English texts into a language; English texts stay as they are in the code."""
    if language == "en":
        return NullTranslations().gettext
    return translation("davtari", LOCALE, languages=[language]).gettext


def translate_reason(text: ReasonText, language: str) -> ReasonText:
    """The texts of a reason code in a language."""
    _ = translator(language)
    return text.model_copy(update={"cause": _(text.cause), "effect": _(text.effect), "fix": _(text.fix)})


def _(text: str) -> str:
    """Mark a value that is translated where it is shown."""
    return text


VALUES = (
    *(_("accountant"), _("storefront"), _("integrator"), _("merchant")),
    *(_("replayed"), _("edited"), _("discarded"), _("overtaken")),
    *(_("d"), _("h"), _("min"), _("s")),
)
