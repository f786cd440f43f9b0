"""`davtari import clients`: customer accounts of a shop that gave a number become clients of Balance (claim S2.21).

Read first, written once: who is in Balance by number is left as he is, so that it may be repeated or broken off.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from services.accounting import contacts
from services.connectors.balance.clients import ClientRef
from services.connectors.balance.fields import RowInvalid, text
from services.connectors.woocommerce.customers import Customer, IdentityKeys, person_of_account
from services.engine.outbox.upstream_errors import Rejected
from services.order_exporter.client import client_fields, identity_of, identity_of_number
from services.settings.balance import ListTexts
from services.settings.clients import CustomerExport

AT_ONCE = 25
Outcome = Literal["new", "created", "there", "skipped", "failed"]
NO_NUMBER = "no personal or company number in the account"
BAD_NUMBER = "the number in the account is none: 11 digits of a person, 9 of a company"
SAME_NUMBER = "another account has the same number: one client for both"


class ClientWriter(Protocol):
    """The clients of a Balance."""

    async def client_by_id(self, personal_or_company_id: str) -> ClientRef | None: ...
    async def put_client(self, document: Mapping[str, Any]) -> Mapping[str, Any] | None: ...


@dataclass(frozen=True, slots=True)
class ImportVerdict:
    """What becomes of an account. `document` is the client that is to be made of it."""

    customer_id: int
    outcome: Outcome
    why: str = ""
    client: str = ""
    code: str | None = None
    document: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ImportRules:
    """What an account is judged by: the shop, where numbers stand in it, and how Balance calls legal forms."""

    shop: str
    keys: IdentityKeys
    lists: ListTexts


async def plan_import(
    customers: AsyncIterable[Customer], there: Mapping[str, ClientRef], rules: ImportRules
) -> list[ImportVerdict]:
    """What is to become of every account; `there` are the clients of Balance by number."""
    taken = set[str]()
    return [_plan_account(customer, there, taken, rules) async for customer in customers]


def _plan_account(
    customer: Customer, there: Mapping[str, ClientRef], taken: set[str], rules: ImportRules
) -> ImportVerdict:
    person = person_of_account(rules.shop, customer, rules.keys)
    identity = identity_of(person)
    if identity is None:
        given = person.personal_id or person.company_id
        return ImportVerdict(customer.id, "skipped", BAD_NUMBER if given else NO_NUMBER)
    if identity.number in taken:
        return ImportVerdict(customer.id, "skipped", SAME_NUMBER)
    taken.add(identity.number)
    if found := there.get(identity.number):
        return ImportVerdict(customer.id, "there", client=found.uid, code=found.code)
    document = client_fields(identity, person, rules.shop, customer.id, rules.lists)
    return ImportVerdict(customer.id, "new", client=identity.ref, document=document)


async def index_by_number(clients: AsyncIterable[ClientRef]) -> dict[str, ClientRef]:
    """The clients of Balance by number; of several with one number that with the lowest uid, as orders take it."""
    found: dict[str, ClientRef] = {}
    async for ref in clients:
        if ref.number and (ref.number not in found or ref.uid < found[ref.number].uid):
            found[ref.number] = replace(ref, row={})
    return found


async def create_clients(
    verdicts: Sequence[ImportVerdict], balance: ClientWriter, told: Callable[[int], None]
) -> list[ImportVerdict]:
    """Makes the new clients; `told` hears how many accounts are done. A refused one stops no other.

    Raises `UpstreamError` when Balance is away: what was made is found the next time.
    """
    done: list[ImportVerdict] = []
    for start in range(0, len(verdicts), AT_ONCE):
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_create_client(one, balance)) for one in verdicts[start : start + AT_ONCE]]
        done += [task.result() for task in tasks]
        told(len(done))
    return done


async def _create_client(one: ImportVerdict, balance: ClientWriter) -> ImportVerdict:
    if one.document is None:
        return one
    number = str(one.document["ID"])
    try:
        if found := await balance.client_by_id(number):
            return replace(one, outcome="there", client=found.uid, code=found.code, document=None)
        await balance.put_client(one.document)
        made = await balance.client_by_id(number)
    except (Rejected, RowInvalid) as error:
        return replace(one, outcome="failed", why=str(error), document=None)
    if made is None:
        return replace(one, outcome="failed", why="Balance took it and does not show it yet: run it again")
    return replace(one, outcome="created", client=made.uid, code=made.code, document=None)


def counts(verdicts: Iterable[ImportVerdict]) -> Mapping[tuple[Outcome, str], int]:
    """How many accounts came to which end, and why."""
    return Counter((one.outcome, one.why) for one in verdicts)


# `davtari export clients`: companies of Balance that agreed become customer accounts of a shop (claim S4.8).
#
# Only with an e-mail and a sign of consent. Who has an account under that e-mail is left as he is.

UID_META = "_davtari_client_uid"
NO_EMAIL = "no e-mail in Balance"
NOT_AGREED = "no sign of consent"
NO_COMPANY = "not a company (9 digits), and not named in consent-list"
SAME_EMAIL = "another client has the same e-mail"


class AccountWriter(Protocol):
    """The customer accounts of a shop."""

    async def create_customer(self, body: Mapping[str, Any]) -> Customer: ...


@dataclass(frozen=True, slots=True)
class ExportVerdict:
    """What becomes of a client. `body` is the account that is to be made of it."""

    client: str
    outcome: Outcome
    why: str = ""
    customer_id: int = 0
    body: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ExportRules:
    """What a client is judged by; `number_key` is the custom field that a company's number is kept under."""

    consent: CustomerExport
    number_key: str


async def plan_export(
    clients: AsyncIterable[ClientRef], there: Mapping[str, int], rules: ExportRules
) -> list[ExportVerdict]:
    """What is to become of every client; `there` are the shop's accounts by e-mail."""
    taken = set[str]()
    return [_plan_client(ref, there, taken, rules) async for ref in clients]


def _plan_client(ref: ClientRef, there: Mapping[str, int], taken: set[str], rules: ExportRules) -> ExportVerdict:
    email = next(filter(None, map(contacts.email, ref.emails)), "")
    if why := _skip_reason(ref, email, rules.consent):
        return ExportVerdict(ref.uid, "skipped", why)
    if email in taken:
        return ExportVerdict(ref.uid, "skipped", SAME_EMAIL)
    taken.add(email)
    if email in there:
        return ExportVerdict(ref.uid, "there", customer_id=there[email])
    return ExportVerdict(ref.uid, "new", body=account_body(ref, email, rules.number_key))


def _skip_reason(ref: ClientRef, email: str, consent: CustomerExport) -> str:
    identity = identity_of_number(ref.number or "")
    listed = {name.strip().casefold() for name in consent.consent_list} & {ref.number or "-", email or "-"}
    if not listed and (identity is None or identity.kind != "company"):
        return NO_COMPANY
    if not email:
        return NO_EMAIL
    said = (text(ref.row, consent.consent_field) or "") if consent.consent_field else ""
    agreed = said.casefold() in {each.casefold() for each in consent.consent_texts}
    return "" if listed or agreed else NOT_AGREED


def account_body(ref: ClientRef, email: str, number_key: str) -> dict[str, Any]:
    """The account of a client: no password (the shop makes one), and the number under which its orders are booked."""
    name, phone = ref.name or "", ref.phones[0] if ref.phones else ""
    meta = ((UID_META, ref.uid), (number_key, ref.number))
    billing = {"company": name, "email": email, "phone": phone, "address_1": ref.address or ""}
    return {"email": email, "billing": billing, "meta_data": [{"key": k, "value": v} for k, v in meta if k and v]}


async def index_by_email(customers: AsyncIterable[Customer]) -> dict[str, int]:
    """The shop's accounts by e-mail, as e-mails are compared."""
    return {contacts.email(one.email): one.id async for one in customers if contacts.email(one.email)}


async def create_accounts(
    verdicts: Sequence[ExportVerdict], shop: AccountWriter, told: Callable[[int], None]
) -> list[ExportVerdict]:
    """Makes the new accounts, one after the other; a refused one stops no other. Raises `UpstreamError`."""
    done = []
    for one in verdicts:
        done.append(await _create_account(one, shop))
        told(len(done))
    return done


async def _create_account(one: ExportVerdict, shop: AccountWriter) -> ExportVerdict:
    if one.body is None:
        return one
    try:
        made = await shop.create_customer(one.body)
    except Rejected as error:
        return replace(one, outcome="failed", why=error.message, body=None)
    return replace(one, outcome="created", customer_id=made.id, body=None)
