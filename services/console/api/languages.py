"""The language of an answer's texts."""

from __future__ import annotations

from typing import get_args

from starlette.requests import Request

from services.settings.translation import Language

LANGUAGES: tuple[Language, ...] = get_args(Language)


def language_of(request: Request) -> Language:
    """The first language in `Accept-Language` that Davtari has; English without one."""
    ranges = request.headers.get("accept-language", "")[:200].lower().split(",")
    wanted = [one.partition(";")[0].strip().partition("-")[0] for one in ranges]
    return next((language for name in wanted for language in LANGUAGES if language == name), "en")
