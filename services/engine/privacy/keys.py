"""The keys of people, as the topic `privacy.keys` states them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from contracts.envelope import Envelope, wrap
from contracts.model import Event
from contracts.privacy import PersonForgotten, PersonKeyMade
from services.engine.privacy.sealing import KEY_BYTES, SealingKey, decode_base64url, encode_base64url

TOPIC = PersonKeyMade.TOPIC


@dataclass(frozen=True, slots=True)
class ServiceKeyState:
    """The newest event about a person at a service. `kid` is None once the person was forgotten."""

    version: int
    kid: str | None


class Keys:
    """All keys that were created and not deleted."""

    def __init__(self) -> None:
        self._by_kid: dict[str, SealingKey] = {}
        self._states: dict[str, ServiceKeyState] = {}

    def __contains__(self, kid: str) -> bool:
        return kid in self._by_kid

    def get(self, kid: str) -> SealingKey | None:
        """The key with this id; None if it was deleted."""
        return self._by_kid.get(kid)

    def current(self, ref: str, service: str) -> SealingKey | None:
        """The key with which a service seals the data of a person."""
        state = self._states.get(_subject(ref, service))
        return self._by_kid.get(state.kid) if state and state.kid else None

    def version(self, ref: str, service: str) -> int:
        """The version of the newest event about a person at a service; 0 if there is none."""
        state = self._states.get(_subject(ref, service))
        return state.version if state else 0

    def apply(self, envelope: Envelope[Event]) -> None:
        """Take an event into account, unless a newer one was already."""
        event = envelope.data
        if not isinstance(event, PersonKeyMade | PersonForgotten):
            return
        before = self._states.get(event.key)
        if before and envelope.sequence <= before.version:
            return
        if isinstance(event, PersonKeyMade):
            secret = decode_base64url(event.key_base64url)
            self._by_kid[event.kid] = SealingKey(event.kid, event.person_ref, secret, event.binds)
            self._states[event.key] = ServiceKeyState(envelope.sequence, event.kid)
        else:
            self._states[event.key] = ServiceKeyState(envelope.sequence, None)
            for kid in {event.kid, before.kid if before else None} - {None}:
                self._by_kid.pop(str(kid), None)

    def create(self, ref: str, service: str, now: datetime) -> Envelope[PersonKeyMade]:
        """A new key, as the event that announces it. It is used after the event was applied."""
        secret = encode_base64url(secrets.token_bytes(KEY_BYTES)).decode()
        kid = secrets.token_urlsafe(12)
        event = PersonKeyMade(person_ref=ref, service=service, kid=kid, key_base64url=secret, made_at=now, binds=True)
        return wrap(event, version=self.version(ref, service) + 1, source=service, time=now)


def _subject(ref: str, service: str) -> str:
    return f"{ref}:{service}"
