"""`davtari export clients`: companies of Balance that agreed become customer accounts of a shop (claim S4.8).

Only with an e-mail and a sign of consent. Who has an account under that e-mail is left as he is.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from services.accounting.contacts import same
from services.connectors.balance.clients import ClientRef
from services.connectors.balance.fields import text
from services.connectors.woocommerce.customers import Customer
from services.engine.outbox.upstream_errors import Rejected
from services.order_exporter.clients.client import identity_of_number
from services.settings.clients import CustomerExport

UID_META = "_davtari_client_uid"
Outcome = Literal["new", "created", "there", "skipped", "failed"]
NO_EMAIL = "no e-mail in Balance"
NOT_AGREED = "no sign of consent"
NO_COMPANY = "not a company (9 digits), and not named in consent-list"
SAME_EMAIL = "another client has the same e-mail"


class Accounts(Protocol):
    """The customer accounts of a shop."""

    async def create_customer(self, body: Mapping[str, Any]) -> Customer: ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a client. `body` is the account that is to be made of it."""

    client: str
    outcome: Outcome
    why: str = ""
    customer_id: int = 0
    body: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """What a client is judged by; `number_key` is the custom field that a company's number is kept under."""

    consent: CustomerExport
    number_key: str


async def judged(clients: AsyncIterable[ClientRef], there: Mapping[str, int], rules: Rules) -> list[Verdict]:
    """What is to become of every client; `there` are the shop's accounts by e-mail."""
    taken = set[str]()
    return [_judged(ref, there, taken, rules) async for ref in clients]


def _judged(ref: ClientRef, there: Mapping[str, int], taken: set[str], rules: Rules) -> Verdict:
    email = next(filter(None, map(same.email, ref.emails)), "")
    if why := _in_the_way(ref, email, rules.consent):
        return Verdict(ref.uid, "skipped", why)
    if email in taken:
        return Verdict(ref.uid, "skipped", SAME_EMAIL)
    taken.add(email)
    if email in there:
        return Verdict(ref.uid, "there", customer_id=there[email])
    return Verdict(ref.uid, "new", body=account(ref, email, rules.number_key))


def _in_the_way(ref: ClientRef, email: str, consent: CustomerExport) -> str:
    identity = identity_of_number(ref.number or "")
    listed = {name.strip().casefold() for name in consent.consent_list} & {ref.number or "-", email or "-"}
    if not listed and (identity is None or identity.kind != "company"):
        return NO_COMPANY
    if not email:
        return NO_EMAIL
    said = (text(ref.row, consent.consent_field) or "") if consent.consent_field else ""
    agreed = said.casefold() in {each.casefold() for each in consent.consent_texts}
    return "" if listed or agreed else NOT_AGREED


def account(ref: ClientRef, email: str, number_key: str) -> dict[str, Any]:
    """The account of a client: no password (the shop makes one), and the number under which its orders are booked."""
    name, phone = ref.name or "", ref.phones[0] if ref.phones else ""
    meta = ((UID_META, ref.uid), (number_key, ref.number))
    billing = {"company": name, "email": email, "phone": phone, "address_1": ref.address or ""}
    return {"email": email, "billing": billing, "meta_data": [{"key": k, "value": v} for k, v in meta if k and v]}


async def by_email(customers: AsyncIterable[Customer]) -> dict[str, int]:
    """The shop's accounts by e-mail, as e-mails are compared."""
    return {same.email(one.email): one.id async for one in customers if same.email(one.email)}


async def written(verdicts: Sequence[Verdict], shop: Accounts, told: Callable[[int], None]) -> list[Verdict]:
    """Makes the new accounts, one after the other; a refused one stops no other. Raises `UpstreamError`."""
    done = []
    for one in verdicts:
        done.append(await _made(one, shop))
        told(len(done))
    return done


async def _made(one: Verdict, shop: Accounts) -> Verdict:
    if one.body is None:
        return one
    try:
        made = await shop.create_customer(one.body)
    except Rejected as error:
        return replace(one, outcome="failed", why=error.message, body=None)
    return replace(one, outcome="created", customer_id=made.id, body=None)
