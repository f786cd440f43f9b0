"""The languages of the console, and which of them a request asks for."""

from __future__ import annotations

from typing import get_args

from starlette.requests import Request

from services.settings.translation import Language

LANGUAGES: tuple[Language, ...] = get_args(Language)


def find_language(name: str) -> Language | None:
    """A language by its code; None for one that Davtari does not have."""
    return next((language for language in LANGUAGES if language == name), None)


def asked_language(request: Request) -> Language | None:
    """The first language in `Accept-Language` that Davtari has."""
    ranges = request.headers.get("accept-language", "")[:200].split(",")
    wanted = (find_language(one.partition(";")[0].partition("-")[0].strip().lower()) for one in ranges)
    return next((language for language in wanted if language), None)
