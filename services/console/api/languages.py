"""The language of an answer's texts."""

from __future__ import annotations

from starlette.requests import Request

from services.console.languages import asked_language
from services.settings.translation import Language


def language_of(request: Request) -> Language:
    """The language that the request asks for; English without one."""
    return asked_language(request) or "en"
