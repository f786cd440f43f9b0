"""Sample buyers, their orders, and keys without Kafka."""

from __future__ import annotations

from datetime import UTC, datetime

from contracts.envelope import Envelope, wrap
from contracts.privacy import PersonForgotten
from contracts.shop import OrderChanged, Person
from services.engine.privacy.keys import Keys
from services.engine.privacy.sealing import SealingKey

NOW = datetime(2026, 11, 20, 14, 20, tzinfo=UTC)
NINO, GIORGI = "5f0c7c3e-9b1d-5a68-8d2f-3c1e0a9b7d41", "0d5a3c1e-7f2b-5e94-a1c6-8b3d2f4e6a70"
PRIVATE = ("Nino", "Beridze", "nino@example.ge", "+995555123456", "01001234567", "second floor")
FEED = "store-feed"


def nino(ref: str = NINO) -> Person:
    """A buyer; all personal texts are in `PRIVATE`."""
    first, last, email, phone, number, comment = PRIVATE
    address = {"first_name": first, "last_name": last}
    fields = {"billing": address, "email": email, "phone": phone, "personal_id": number, "comment": comment}
    return Person.model_validate({"person_ref": ref, **fields})


def order(number: int = 1042, ref: str = NINO, person: Person | None = None) -> OrderChanged:
    """An order of a person, without lines."""
    moments = {"created_at": NOW, "modified_at": NOW}
    figures = {"currency": "GEL", "prices_include_tax": True, "total": "0", "total_tax": "0", "lines": ()}
    about = {"shop": "main", "order_id": number, "number": str(number), "status": "processing"}
    whose = {"person_ref": ref, "person": person or nino(ref)}
    return OrderChanged.model_validate({**about, **figures, **moments, **whose})


def made(keys: Keys, ref: str = NINO, service: str = FEED) -> SealingKey:
    """Add a published key of a person."""
    keys.apply(keys.create(ref, service, NOW))
    found = keys.current(ref, service)
    assert found
    return found


def forgotten(key: SealingKey, version: int, service: str = FEED) -> Envelope[PersonForgotten]:
    """The event that erases a key."""
    event = PersonForgotten(person_ref=key.ref, service=service, kid=key.kid, at=NOW, by="integrator", why="asked")
    return wrap(event, version=version, source="davtari-cli", time=NOW)
