"""Keys of people's personal data, and what forgets them.

The `person` part of an event is sealed under a key of its person. The key goes, and what it has sealed is noise, in the
log too, which is never changed.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from contracts.model import Event, Instant, ShopId
from contracts.operations import Command


class _KeyEvent(Event):
    """One key belongs to one person at one service, so that no two services make it at once."""

    TOPIC: ClassVar[str] = "privacy.keys"
    person_ref: str
    service: str = Field(description="whose events the key seals")
    kid: str = Field(description="the id of the key, as in the header of `sealed`")

    @property
    def key(self) -> str:
        return f"{self.person_ref}:{self.service}"


class PersonKeyMade(_KeyEvent):
    """From now on this service seals what it says of the person with this key. It was never used before.

    `key_base64url`: 256 bits in base64url without padding, as `k` of a JSON Web Key.
    """

    TYPE: ClassVar[str] = "davtari.PersonKeyMade.v1"
    key_base64url: str = Field(repr=False, pattern=r"^[A-Za-z0-9_-]{43}$")
    made_at: Instant
    binds: bool = Field(default=False, description="each sealed part is bound to its event: see contracts/README.md")


class PersonForgotten(_KeyEvent):
    """The key of this person at this service is deleted. Its record key is that of `PersonKeyMade`, which compaction
    removes.

    An order that the person makes later is sealed with a new one.
    """

    TYPE: ClassVar[str] = "davtari.PersonForgotten.v1"
    at: Instant
    by: str
    why: str


class ForgetRequested(Command):
    """Forget this person: give up the keys, and take the personal data out of the services' own memory.

    In a dry run only report what would be erased. `shop` does not limit anything: it states where the person was
    searched.
    """

    TYPE: ClassVar[str] = "davtari.ForgetRequested.v2"
    person_ref: str
    shop: ShopId | None = None
    why: str
    dry_run: bool = False
