"""The keys of people, as the topic `privacy.keys` tells of them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from contracts.envelope import Envelope, wrap
from contracts.model import Event
from contracts.privacy import PersonForgotten, PersonKeyMade
from services.engine.privacy.sealing import KEY_BYTES, PersonKey, decoded, encoded

TOPIC = PersonKeyMade.TOPIC


@dataclass(frozen=True, slots=True)
class Held:
    """What the topic said last of a person at a service. `kid` is None once the person was forgotten."""

    version: int
    kid: str | None


class Keys:
    """All keys that were made and not given up."""

    def __init__(self) -> None:
        self._by_kid: dict[str, PersonKey] = {}
        self._held: dict[str, Held] = {}

    def __contains__(self, kid: str) -> bool:
        return kid in self._by_kid

    def get(self, kid: str) -> PersonKey | None:
        """The key of this id, unless it was given up."""
        return self._by_kid.get(kid)

    def of(self, ref: str, service: str) -> PersonKey | None:
        """The key with which a service seals what it says of a person."""
        held = self._held.get(_subject(ref, service))
        return self._by_kid.get(held.kid) if held and held.kid else None

    def version(self, ref: str, service: str) -> int:
        """The version of the newest event about a person at a service, 0 where there is none."""
        held = self._held.get(_subject(ref, service))
        return held.version if held else 0

    def heard(self, envelope: Envelope[Event]) -> None:
        """Note what an event says; one that is not newer than what is known says nothing."""
        event = envelope.data
        if not isinstance(event, PersonKeyMade | PersonForgotten):
            return
        before = self._held.get(event.key)
        if before and envelope.sequence <= before.version:
            return
        if isinstance(event, PersonKeyMade):
            self._by_kid[event.kid] = PersonKey(event.kid, event.person_ref, _secret(event))
            self._held[event.key] = Held(envelope.sequence, event.kid)
        else:
            self._held[event.key] = Held(envelope.sequence, None)
            for kid in {event.kid, before.kid if before else None} - {None}:
                self._by_kid.pop(str(kid), None)

    def made(self, ref: str, service: str, now: datetime) -> Envelope[PersonKeyMade]:
        """A new key, as the event that tells of it. It counts once it was heard."""
        secret = encoded(secrets.token_bytes(KEY_BYTES)).decode()
        kid = secrets.token_urlsafe(12)
        event = PersonKeyMade(person_ref=ref, service=service, kid=kid, key_base64url=secret, made_at=now)
        return wrap(event, version=self.version(ref, service) + 1, source=service, time=now)


def _secret(event: PersonKeyMade) -> bytes:
    return decoded(event.key_base64url)


def _subject(ref: str, service: str) -> str:
    return f"{ref}:{service}"
