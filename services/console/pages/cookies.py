"""Cookies and form tokens, signed with the key of the access database."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from hmac import compare_digest

from itsdangerous import BadSignature, Signer, TimestampSigner
from starlette.requests import Request
from starlette.responses import Response

from services.console.access.sessions import digest_of
from services.console.pages.errors import form_refused

SESSION, LANGUAGE = "davtari-session", "davtari-language"
FORM_SECONDS = 24 * 3600
YEAR_SECONDS = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class CookieJar:
    """Reads and sets the console's cookies. With HTTPS they are never sent without it."""

    key: str
    secure: bool

    def read_session(self, request: Request) -> str:
        """The token of the session in a request; empty without one, or if the cookie was not made here."""
        try:
            return self._signer.unsign(request.cookies.get(self._session_name, "")).decode()
        except (BadSignature, UnicodeError):
            return ""

    def set_session(self, response: Response, token: str) -> None:
        """Keep a token in the browser until it is closed."""
        self._set(response, self._session_name, self._signer.sign(token).decode())

    def end_session(self, response: Response) -> None:
        """Take the token from the browser."""
        response.delete_cookie(self._session_name, path="/", secure=self.secure, httponly=True, samesite="lax")

    def set_language(self, response: Response, language: str) -> None:
        """Keep the language in the browser."""
        self._set(response, LANGUAGE, language, YEAR_SECONDS)

    def make_form_token(self, session: str) -> str:
        """A token for one form: its number and the digest of the session, signed with the time."""
        return self._form_signer.sign(f"{secrets.token_hex(8)}.{digest_of(session)}").decode()

    def read_form_token(self, token: str, session: str) -> str:
        """The number of a form. Raises `PageError` if it was not made in this session during the last day."""
        try:
            number, _, digest = self._form_signer.unsign(token, max_age=FORM_SECONDS).decode().partition(".")
        except (BadSignature, UnicodeError):
            raise form_refused() from None
        if not compare_digest(digest, digest_of(session)):
            raise form_refused()
        return number

    @property
    def _session_name(self) -> str:
        return f"__Host-{SESSION}" if self.secure else SESSION

    @property
    def _signer(self) -> Signer:
        return Signer(self.key, salt="session")

    @property
    def _form_signer(self) -> TimestampSigner:
        return TimestampSigner(self.key, salt="form")

    def _set(self, response: Response, name: str, value: str, seconds: int | None = None) -> None:
        response.set_cookie(name, value, max_age=seconds, path="/", secure=self.secure, httponly=True, samesite="lax")
