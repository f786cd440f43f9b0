"""Ids and digests of personal data, keyed with the installation's secret: without it nobody can confirm a guess.

A number has eleven digits: a plain digest of one is found by trying all of them within seconds. The secret is outside
Kafka and outside the state databases, so whoever holds those holds nothing to try guesses with.

The secret belongs to the process, as its time zone does: an installation has exactly one, and rules that compute ids
are pure functions of events. It is read when it is needed first; `use_secret` states where from.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any
from uuid import UUID

import orjson

from contracts.json_text import to_json

DIGEST_BYTES = 16


class SecretNotLoaded(RuntimeError):
    """An id of a person is needed, and nothing has stated where the installation's secret is."""


class _InstallationKey:
    """The key of this process: read once, when it is needed first."""

    def __init__(self) -> None:
        self._read: Callable[[], str] | None = None
        self._key: bytes | None = None

    def read_from(self, read: Callable[[], str]) -> None:
        self._read, self._key = read, None

    def get(self) -> bytes:
        if self._key is None:
            if self._read is None:
                raise SecretNotLoaded("the installation's secret is needed: call use_secret first")
            self._key = self._read().encode()
        return self._key


_KEY = _InstallationKey()


def use_secret(read: Callable[[], str]) -> None:
    """State how this process reads the installation's secret; `read` may raise, whenever an id is needed."""
    _KEY.read_from(read)


def person_id(kind: str, *parts: str) -> str:
    """The id of something personal, always the same in one installation: HMAC-SHA256 in the form of a UUID (RFC 9562,
    version 8). Raises what reading the secret raises.
    """
    raw = bytearray(_keyed("id", [kind, *parts])[:16])
    raw[6], raw[8] = raw[6] & 0x0F | 0x80, raw[8] & 0x3F | 0x80
    return str(UUID(bytes=bytes(raw)))


def personal_digest(content: Any) -> str:
    """The digest of content that may hold personal data, independent of the order of keys; see `person_id`."""
    return _keyed("digest", content)[:DIGEST_BYTES].hex()


def secret_mark() -> str:
    """Distinguishes this secret from another one, without revealing it."""
    return person_id("mark")


def _keyed(purpose: str, content: Any) -> bytes:
    return hmac.digest(_KEY.get(), to_json([f"davtari-{purpose}", content], orjson.OPT_SORT_KEYS), "sha256")
