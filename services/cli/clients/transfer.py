"""Plan and carry out bulk transfers between the customer accounts of a shop and the clients of Balance.

Import (claim S2.21): accounts with a personal or company number become clients. Export (claim S4.8): companies with an
e-mail and consent become accounts. Existing clients and accounts are never changed, so both may be interrupted and
repeated.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from services.accounting import contacts
from services.accounting.documents.identity import identity_of, identity_of_number
from services.connectors.balance.clients import ClientRef
from services.connectors.balance.fields import RowInvalid, text
from services.connectors.woocommerce.customers import Customer, IdentityKeys, person_of_account
from services.engine.outbox.upstream_errors import Rejected
from services.order_exporter.client import client_fields
from services.settings.balance import ListTexts
from services.settings.clients import CustomerExport

BATCH_SIZE = 25
Outcome = Literal["new", "created", "exists", "skipped", "failed"]
NO_NUMBER = "no personal or company number in the account"
BAD_NUMBER = "invalid number in the account: a person has 11 digits, a company 9"
SAME_NUMBER = "another account has the same number: one client for both"
UID_META = "_davtari_client_uid"
NO_EMAIL = "no e-mail in Balance"
NOT_AGREED = "no consent"
NO_COMPANY = "not a company (9 digits), and not listed in consent-list"
SAME_EMAIL = "another client has the same e-mail"


class ClientWriter(Protocol):
    """The calls to Balance that create clients."""

    async def client_by_id(self, personal_or_company_id: str) -> ClientRef | None: ...
    async def put_client(self, document: Mapping[str, Any]) -> Mapping[str, Any] | None: ...


@dataclass(frozen=True, slots=True)
class ImportVerdict:
    """The planned or actual outcome for an account. `document`: the client to create."""

    customer_id: int
    outcome: Outcome
    why: str = ""
    client: str = ""
    code: str | None = None
    document: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ImportRules:
    """The shop, its fields with numbers, and Balance's names of legal forms."""

    shop: str
    keys: IdentityKeys
    lists: ListTexts


async def plan_import(
    customers: AsyncIterable[Customer], existing: Mapping[str, ClientRef], rules: ImportRules
) -> list[ImportVerdict]:
    """Plan the outcome for every account. `existing`: the clients of Balance by number."""
    taken = set[str]()
    return [_plan_account(customer, existing, taken, rules) async for customer in customers]


def _plan_account(
    customer: Customer, existing: Mapping[str, ClientRef], taken: set[str], rules: ImportRules
) -> ImportVerdict:
    person = person_of_account(rules.shop, customer, rules.keys)
    identity = identity_of(person)
    if identity is None:
        number = person.personal_id or person.company_id
        return ImportVerdict(customer.id, "skipped", BAD_NUMBER if number else NO_NUMBER)
    if identity.number in taken:
        return ImportVerdict(customer.id, "skipped", SAME_NUMBER)
    taken.add(identity.number)
    if found := existing.get(identity.number):
        return ImportVerdict(customer.id, "exists", client=found.uid, code=found.code)
    document = client_fields(identity, person, rules.shop, customer.id, rules.lists)
    return ImportVerdict(customer.id, "new", client=identity.ref, document=document)


async def index_by_number(clients: AsyncIterable[ClientRef]) -> dict[str, ClientRef]:
    """The clients of Balance by number; of several with the same number, the lowest uid, as the order-exporter does."""
    found: dict[str, ClientRef] = {}
    async for ref in clients:
        if ref.number and (ref.number not in found or ref.uid < found[ref.number].uid):
            found[ref.number] = replace(ref, row={})
    return found


async def create_clients(
    verdicts: Sequence[ImportVerdict], balance: ClientWriter, on_progress: Callable[[int], None]
) -> list[ImportVerdict]:
    """Create the new clients. A refused one does not stop the others.

    `on_progress` is called with the number of processed accounts. Raises `UpstreamError` if Balance does not answer; a
    second run finds the clients that were created.
    """
    done: list[ImportVerdict] = []
    for start in range(0, len(verdicts), BATCH_SIZE):
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_create_client(one, balance)) for one in verdicts[start : start + BATCH_SIZE]]
        done += [task.result() for task in tasks]
        on_progress(len(done))
    return done


async def _create_client(one: ImportVerdict, balance: ClientWriter) -> ImportVerdict:
    if one.document is None:
        return one
    number = str(one.document["ID"])
    try:
        if found := await balance.client_by_id(number):
            return replace(one, outcome="exists", client=found.uid, code=found.code, document=None)
        await balance.put_client(one.document)
        made = await balance.client_by_id(number)
    except (Rejected, RowInvalid) as error:
        return replace(one, outcome="failed", why=str(error), document=None)
    if made is None:
        return replace(
            one, outcome="failed", why="Balance accepted it but does not return it yet: run the command again"
        )
    return replace(one, outcome="created", client=made.uid, code=made.code, document=None)


class AccountWriter(Protocol):
    """The calls to a shop that create accounts."""

    async def create_customer(self, body: Mapping[str, Any]) -> Customer: ...


@dataclass(frozen=True, slots=True)
class ExportVerdict:
    """The planned or actual outcome for a client. `body`: the account to create."""

    client: str
    outcome: Outcome
    why: str = ""
    customer_id: int = 0
    body: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ExportRules:
    """The rules of consent, and the custom field for a company's number (`number_key`)."""

    consent: CustomerExport
    number_key: str


async def plan_export(
    clients: AsyncIterable[ClientRef], existing: Mapping[str, int], rules: ExportRules
) -> list[ExportVerdict]:
    """Plan the outcome for every client. `existing`: the shop's accounts by e-mail."""
    taken = set[str]()
    return [_plan_client(ref, existing, taken, rules) async for ref in clients]


def _plan_client(ref: ClientRef, existing: Mapping[str, int], taken: set[str], rules: ExportRules) -> ExportVerdict:
    email = next(filter(None, map(contacts.email, ref.emails)), "")
    if why := _skip_reason(ref, email, rules.consent):
        return ExportVerdict(ref.uid, "skipped", why)
    if email in taken:
        return ExportVerdict(ref.uid, "skipped", SAME_EMAIL)
    taken.add(email)
    if email in existing:
        return ExportVerdict(ref.uid, "exists", customer_id=existing[email])
    return ExportVerdict(ref.uid, "new", body=account_body(ref, email, rules.number_key))


def _skip_reason(ref: ClientRef, email: str, consent: CustomerExport) -> str:
    identity = identity_of_number(ref.number or "")
    listed = {name.strip().casefold() for name in consent.consent_list} & {ref.number or "-", email or "-"}
    if not listed and (identity is None or identity.kind != "company"):
        return NO_COMPANY
    if not email:
        return NO_EMAIL
    answer = (text(ref.row, consent.consent_field) or "") if consent.consent_field else ""
    agreed = answer.casefold() in {each.casefold() for each in consent.consent_texts}
    return "" if listed or agreed else NOT_AGREED


def account_body(ref: ClientRef, email: str, number_key: str) -> dict[str, Any]:
    """The account of a client, without a password (the shop generates one), with the number for its orders."""
    name, phone = ref.name or "", ref.phones[0] if ref.phones else ""
    meta = ((UID_META, ref.uid), (number_key, ref.number))
    billing = {"company": name, "email": email, "phone": phone, "address_1": ref.address or ""}
    return {"email": email, "billing": billing, "meta_data": [{"key": k, "value": v} for k, v in meta if k and v]}


async def index_by_email(customers: AsyncIterable[Customer]) -> dict[str, int]:
    """The shop's accounts by normalized e-mail."""
    return {contacts.email(one.email): one.id async for one in customers if contacts.email(one.email)}


async def create_accounts(
    verdicts: Sequence[ExportVerdict], shop: AccountWriter, on_progress: Callable[[int], None]
) -> list[ExportVerdict]:
    """Create the new accounts one by one. A refused one does not stop the others. Raises `UpstreamError`."""
    done = []
    for one in verdicts:
        done.append(await _create_account(one, shop))
        on_progress(len(done))
    return done


async def _create_account(one: ExportVerdict, shop: AccountWriter) -> ExportVerdict:
    if one.body is None:
        return one
    try:
        made = await shop.create_customer(one.body)
    except Rejected as error:
        return replace(one, outcome="failed", why=error.message, body=None)
    return replace(one, outcome="created", customer_id=made.id, body=None)
