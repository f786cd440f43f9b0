"""Who a buyer is by the number that they gave: a company or a person (claims K10, S3.27)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from contracts.shop import Person
from services.accounting.documents.ids import client_uid, former_client_uid
from services.accounting.documents.order_rules import valid_number

PERSONAL_DIGITS = 11


@dataclass(frozen=True, slots=True)
class Identity:
    """A valid number of a company or person. `ref` is opaque, and the uid under which the client would be created."""

    kind: Literal["company", "person"]
    number: str

    @property
    def ref(self) -> str:
        """An opaque name for the identity, for places without personal data."""
        return client_uid(self.number)

    @property
    def refs(self) -> tuple[str, str]:
        """The `ref`, and the one of an earlier version, by which its records are found."""
        return self.ref, former_client_uid(self.number)


def identity_of(person: Person | None) -> Identity | None:
    """The buyer's identity: by a company's number, else by the personal one; None without a valid number."""
    if person is None:
        return None
    company, personal = valid_number(person.company_id, "company"), valid_number(person.personal_id, "person")
    if company:
        return Identity("company", company)
    return Identity("person", personal) if personal else None


def identity_of_number(number: str) -> Identity | None:
    """The identity of a number: 9 digits are a company, 11 a person; None for anything else."""
    if company := valid_number(number, "company"):
        return Identity("company" if len(company) < PERSONAL_DIGITS else "person", company)
    return None
