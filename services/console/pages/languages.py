"""The language of a page: as chosen by the person, else as their browser asks, else Georgian."""

from __future__ import annotations

from starlette.requests import Request

from services.console.languages import asked_language, find_language
from services.console.pages.cookies import LANGUAGE
from services.settings.translation import Language

NAMES: dict[Language, str] = {"ka": "ქართული", "en": "English"}
DEFAULT: Language = "ka"


def choose_language(request: Request) -> Language:
    """The language for a request."""
    return find_language(request.cookies.get(LANGUAGE, "")) or asked_language(request) or DEFAULT
