"""Who the buyer is to Balance: a company or a person by number, else the retail client (claims K10, S3.27, S3.29)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from contracts.shop import Address, OrderChanged, Person
from services.shared.documents.person_number import valid_number
from services.shared.documents.uids import client_uid
from services.shared.documents.written import without_empty
from services.shared.settings.balance import ListTexts

NAME_LIMIT = 150
"""API fact: Name is String(150)."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A valid number of a company or person. `ref` is opaque, and the uid under which the client would be created."""

    kind: Literal["company", "person"]
    number: str

    @property
    def ref(self) -> str:
        """What the identity is called wherever personal data must not stand."""
        return client_uid(self.number)


def identity_of(person: Person | None) -> Identity | None:
    """The buyer's identity: a company's number goes before the personal one; None without a valid number."""
    if person is None:
        return None
    company, personal = valid_number(person.company_id, "company"), valid_number(person.personal_id, "person")
    if company:
        return Identity("company", company)
    return Identity("person", personal) if personal else None


def number_remark(person: Person | None) -> str:
    """What the document should say when a number was given that cannot be one; it never stops an order."""
    given = person is not None and (person.company_id or person.personal_id)
    return "the buyer's number is not valid: retail client" if given and identity_of(person) is None else ""


def client_document(identity: Identity, order: OrderChanged, lists: ListTexts) -> dict[str, Any]:
    """The JSON of a client to be created (balance-api 2.8). Only Name and ID are required there."""
    person = order.person or Person(person_ref=order.person_ref)
    name = _name(identity, person)
    fields = {
        "uid": identity.ref,
        "Name": name[:NAME_LIMIT],
        "FullName": name,
        "ID": identity.number,
        "LegalForm": lists.company if identity.kind == "company" else lists.individual,
        "Phone": person.phone,
        "Email": person.email,
        "LegalAddress": _address(person.billing),
        "PhysicalAddress": _address(person.shipping) or _address(person.billing),
        "ExtCode": f"woo-{order.shop}-{order.customer_id}" if order.customer_id else "",
    }
    return without_empty(fields)


def _name(identity: Identity, person: Person) -> str:
    full_name = f"{person.billing.first_name} {person.billing.last_name}".strip()
    company = person.billing.company.strip() if identity.kind == "company" else ""
    return company or full_name or identity.number


def _address(address: Address) -> str:
    parts = (address.address_1, address.address_2, address.city, address.postcode, address.country)
    return ", ".join(part.strip() for part in parts if part.strip()) if address.address_1.strip() else ""
