"""Who the buyer is to Balance: a company or a person by number, else the retail client (claims K10, S3.27, S3.29)."""

from __future__ import annotations

from typing import Any

from contracts.shop import Address, OrderChanged, Person
from services.accounting.documents.figures import COMMENT_LIMIT, without_empty
from services.accounting.documents.identity import PERSONAL_DIGITS, Identity, identity_of
from services.order_exporter.tasks import SaleTask
from services.settings.balance import ListTexts
from services.settings.clients import ClientSettings

NAME_LIMIT = 150
"""Balance fact 18."""


def number_remark(person: Person | None) -> str:
    """A remark for the document if the buyer gave an invalid number; such a number never stops an order."""
    given = person is not None and (person.company_id or person.personal_id)
    return "the buyer's number is not valid: retail client" if given and identity_of(person) is None else ""


def client_document(identity: Identity, order: OrderChanged, lists: ListTexts) -> dict[str, Any]:
    """The JSON of the client that would be created for an order's buyer."""
    person = order.person or Person(person_ref=order.person_ref)
    return client_fields(identity, person, order.shop, order.customer_id, lists)


def client_fields(identity: Identity, person: Person, shop: str, customer_id: int, lists: ListTexts) -> dict[str, Any]:
    """The JSON of a client to be created; Balance requires only Name and ID (Balance fact 36)."""
    name = _name(identity, person)
    fields = {
        "uid": identity.ref,
        "Name": name[:NAME_LIMIT],
        "FullName": name,
        "ID": identity.number,
        "LegalForm": _legal_form(identity, lists),
        "Phone": person.phone,
        "Email": person.email,
        "LegalAddress": address_line(person.billing),
        "PhysicalAddress": delivery_address(person),
        "ExtCode": f"woo-{shop}-{customer_id}" if customer_id else "",
    }
    return without_empty(fields)


def _name(identity: Identity, person: Person) -> str:
    full_name = f"{person.billing.first_name} {person.billing.last_name}".strip()
    company = person.billing.company.strip() if identity.kind == "company" else ""
    return company or full_name or identity.number


def _legal_form(identity: Identity, lists: ListTexts) -> str:
    """By the kind of number (claim I12): 9 digits are a company; a sole trader has a personal number."""
    if identity.kind == "company" and len(identity.number) < PERSONAL_DIGITS:
        return lists.company
    return (lists.sole_trader if identity.kind == "company" else None) or lists.individual


def delivery_address(person: Person | None) -> str:
    """The delivery address in one line: shipping, else billing; empty if there is none."""
    return (address_line(person.shipping) or address_line(person.billing)) if person else ""


def address_line(address: Address) -> str:
    """An address in one line without names; empty without a street."""
    parts = (address.address_1, address.address_2, address.city, address.postcode, address.country)
    return ", ".join(part.strip() for part in parts if part.strip()) if address.address_1.strip() else ""


def add_delivery_address(task: SaleTask, order: OrderChanged, settings: ClientSettings) -> SaleTask:
    """The task with the delivery address in the Sale, if the settings ask for it (claim S3.55).

    The address is in the document that is sent, and in no event: the ledger contains no personal data.
    """
    address = delivery_address(order.person)
    if settings.delivery_address == "off" or not address:
        return task
    field = settings.delivery_address_field
    written = {field: address} if settings.delivery_address == "field" else {"Comments": _comment(task, address)}
    return task.model_copy(update={"person": written, "person_ref": order.person_ref})


def _comment(task: SaleTask, address: str) -> str:
    """What the comment says already stays whole: an address too long is cut."""
    return f"{task.document.get('Comments', '')} | delivery: {address}"[:COMMENT_LIMIT]
