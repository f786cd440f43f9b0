"""Forms that pages send: read with bounds, and only from a page of the same session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs

from starlette.requests import Request

from services.console.pages.cookies import CookieJar
from services.console.pages.errors import form_refused, form_too_large, form_unreadable

LARGEST = 256 * 1024
MOST_FIELDS = 2000
TOKEN_FIELD = "form"
OWN_PAGES = ("same-origin", "none")
"""Values of `Sec-Fetch-Site` for a request that a page of the console has caused, or the person."""


@dataclass(frozen=True, slots=True)
class Form:
    """A form that was sent. `id` distinguishes it from every other one, also from the same form opened again."""

    id: str
    fields: Mapping[str, Sequence[str]]

    def text(self, name: str, longest: int = 1000) -> str:
        """A field without spaces around it; empty if it is missing. Raises `PageError` if it is too long."""
        found = self.raw(name).strip()
        if len(found) > longest:
            raise form_too_large()
        return found

    def raw(self, name: str) -> str:
        """A field as it was sent, such as a password."""
        return next(iter(self.fields.get(name, ())), "")

    def all(self, name: str) -> list[str]:
        """Every value of a field, such as of several check boxes."""
        return list(self.fields.get(name, ()))


async def read_form(request: Request, cookies: CookieJar, session: str) -> Form:
    """Read the form of a request. Raises `PageError` if another site sent it, or if it cannot be a form of ours."""
    if request.headers.get("sec-fetch-site", OWN_PAGES[0]) not in OWN_PAGES:
        raise form_refused()
    fields = _parse(await _read_body(request))
    return Form(cookies.read_form_token(next(iter(fields.get(TOKEN_FIELD, ())), ""), session), fields)


async def _read_body(request: Request) -> bytes:
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        raise form_unreadable()
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST:
            raise form_too_large()
    return bytes(body)


def _parse(body: bytes) -> Mapping[str, Sequence[str]]:
    try:
        return parse_qs(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except (UnicodeError, ValueError):
        raise form_unreadable() from None
