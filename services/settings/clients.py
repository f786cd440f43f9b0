"""Who buys: how buyers become clients of Balance, and which of their data may go which way. All of it starts off."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from services.settings.base import Section

Contact = Literal["phone", "email", "address"]
Policy = Literal["off", "balance", "shop", "newest", "ask"]


class ContactPolicies(Section):
    """What happens to a contact that differs between shop and Balance. What only one side changed is copied to the
    other; where both did, this side wins. `newest` needs `changed-field`, and asks where Balance does not state the
    time.
    """

    phone: Policy = "off"
    email: Policy = "off"
    address: Policy = Field(default="off", description="an address goes to Balance only: there it is one line")
    changed_field: str = Field(
        default="", description="the field of Clients that says when one was last changed, if your Balance has one"
    )

    def by_field(self) -> dict[Contact, Policy]:
        """The policies of the fields that are not off."""
        given: dict[Contact, Policy] = {"phone": self.phone, "email": self.email, "address": self.address}
        return {field: policy for field, policy in given.items() if policy != "off"}


class CustomerExport(Section):
    """Which clients of Balance may become customers of the shop. Nobody does without a sign of their consent."""

    consent_field: str = Field(default="", description="the field of Clients that holds the consent")
    consent_texts: tuple[str, ...] = Field(
        default=("yes", "true", "1", "დიახ", "კი"), description="what that field says of one who agreed"
    )
    consent_list: tuple[str, ...] = Field(default=(), description="numbers or e-mails of clients who agreed otherwise")


class ClientSettings(Section):
    """How a buyer without a personal or company number is known, and what else is kept of clients."""

    known_links: bool = Field(
        default=False, description="an order without a number takes the one that its buyer gave with another order"
    )
    match_by: tuple[Literal["phone", "email"], ...] = Field(
        default=(), description="without a number: the one client of Balance with the same phone or e-mail"
    )
    delivery_address: Literal["off", "comment", "field"] = Field(
        default="off", description="the delivery address in the Sale: in its comment, or in a field of its own"
    )
    delivery_address_field: str = Field(default="", description="the field of Sale that takes it, as Balance names it")
    contacts: ContactPolicies = ContactPolicies()
    export: CustomerExport = CustomerExport()

    @model_validator(mode="after")
    def _addressed(self) -> Self:
        if self.delivery_address == "field" and not self.delivery_address_field:
            raise ValueError('delivery-address = "field" needs delivery-address-field: what Balance calls that field')
        return self
