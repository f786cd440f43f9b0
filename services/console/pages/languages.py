"""The language of a page: as chosen by the person, else as their browser asks, else Georgian."""

from __future__ import annotations

from typing import get_args

from starlette.requests import Request

from services.console.pages.cookies import LANGUAGE
from services.settings.translation import Language

LANGUAGES: tuple[Language, ...] = get_args(Language)
NAMES: dict[Language, str] = {"ka": "ქართული", "en": "English"}
DEFAULT: Language = "ka"


def choose_language(request: Request) -> Language:
    """The language for a request."""
    return find_language(request.cookies.get(LANGUAGE, "")) or _asked_for(request) or DEFAULT


def find_language(name: str) -> Language | None:
    """A language by its code; None for one that the pages do not have."""
    return next((language for language in LANGUAGES if language == name), None)


def _asked_for(request: Request) -> Language | None:
    """The first language of the browser's list that the pages have."""
    ranges = request.headers.get("accept-language", "")[:200].split(",")
    wanted = (find_language(one.partition(";")[0].partition("-")[0].strip().lower()) for one in ranges)
    return next((language for language in wanted if language), None)
