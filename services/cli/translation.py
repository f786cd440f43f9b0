"""Texts for people in their language, from the gettext catalogues in `services/locale`.

`make catalogues` updates them. A text is never translated inside an f-string, where Babel does not find it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from gettext import NullTranslations, translation
from pathlib import Path
from typing import Literal

Language = Literal["en", "ka"]
Translate = Callable[[str], str]
LOCALE = Path(__file__).parents[1] / "locale"


@cache
def translator(language: str) -> Translate:
    """The function that translates English texts; English stays as it is in the code."""
    if language == "en":
        return NullTranslations().gettext
    return translation("davtari", LOCALE, languages=[language]).gettext


def _(text: str) -> str:
    """Marks a value that is translated where it is shown."""
    return text


VALUES = (
    *(_("accountant"), _("storefront"), _("integrator"), _("merchant")),
    *(_("replayed"), _("edited"), _("discarded"), _("overtaken")),
    *(_("d"), _("h"), _("min"), _("s")),
)
