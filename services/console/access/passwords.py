"""Passwords: which are acceptable, and how they are stored and compared."""

from __future__ import annotations

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

SHORTEST, LONGEST = 10, 200
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""argon2id with the smallest parameters that OWASP recommends: 30 ms and 19 MB for each sign-in."""
_AT_A_TIME = 2
"""Hashes computed at the same time, so that many sign-ins at once cannot take the memory of the machine."""


class PasswordRefused(Exception):
    """A new password is not acceptable. `why` is an English text of the catalogue."""

    def __init__(self, why: str, limit: int) -> None:
        super().__init__(why.format(limit=limit))
        self.why, self.limit = why, limit


def _(text: str) -> str:
    return text


def require_acceptable(password: str, name: str) -> None:
    """Raise `PasswordRefused` for a password that is too short, too long, or that repeats the name."""
    if len(password) < SHORTEST:
        raise PasswordRefused(_("The password needs at least {limit} characters."), SHORTEST)
    if len(password) > LONGEST:
        raise PasswordRefused(_("The password may have at most {limit} characters."), LONGEST)
    if len(set(password)) < 4 or password.casefold().strip("0123456789") == name.casefold():
        raise PasswordRefused(_("This password is too easy to guess."), SHORTEST)


class Passwords:
    """Hashes passwords outside of the event loop, a few at a time."""

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(_AT_A_TIME)

    async def hash(self, password: str) -> str:
        """The hash to store."""
        async with self._slots:
            return await asyncio.to_thread(_HASHER.hash, password)

    async def matches(self, stored: str | None, password: str) -> bool:
        """Whether a password is the stored one. Without a stored one it takes as long, and is False."""
        async with self._slots:
            return await asyncio.to_thread(_verify, stored or _NOBODY, password[: LONGEST + 1]) and stored is not None


def _verify(stored: str, password: str) -> bool:
    try:
        return _HASHER.verify(stored, password)
    except (VerifyMismatchError, InvalidHashError):
        return False


_NOBODY = _HASHER.hash("")
