"""Merging the contacts of a client in Balance with those of its account in the shop, and writing what differs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from contracts.clients import ContactField, Contacts, ContactsConflicted, ContactsMerged, ContactsOfBoth, Side
from contracts.model import Event
from contracts.reasons import Reason
from services.accounting.contacts import NORMALIZERS, ContactMerge, ContactSides, MergeRule, merge_contact
from services.connectors.balance.clients import ClientRef
from services.connectors.balance.fields import RowInvalid, value
from services.connectors.balance.values import parse_moment
from services.connectors.woocommerce.customers import Customer, postal_address
from services.engine.outbox.lane import Deliver, Row
from services.engine.outbox.outcome import Done, Outcome, Refused, Unknown
from services.engine.outbox.upstream_errors import UpstreamError, outcome_of
from services.order_exporter.client import address_line
from services.order_exporter.tasks import ContactTask

IN_BALANCE: Mapping[ContactField, str] = {"phone": "Phone", "email": "Email", "address": "PhysicalAddress"}
"""The field of each contact in Balance."""
TO_SHOP: frozenset[ContactField] = frozenset({"phone", "email"})
"""Not the address: Balance has it in one line, which cannot be split into the shop's fields."""
Merges = Mapping[ContactField, ContactMerge]


class BalanceClients(Protocol):
    """The clients of a Balance company."""

    async def client(self, uid: str) -> ClientRef | None: ...
    async def patch_client(self, document: Mapping[str, Any]) -> Mapping[str, Any] | None: ...


class CustomerAccounts(Protocol):
    """The customer accounts of a shop."""

    async def customer(self, customer_id: int) -> Customer | None: ...
    async def update_customer(self, customer_id: int, body: Mapping[str, Any]) -> Customer: ...


@dataclass(frozen=True, slots=True)
class CurrentContacts:
    """The contacts on both sides now. `account` is None for a guest or a deleted account."""

    client: ClientRef
    account: Customer | None
    both: ContactsOfBoth


def deliver_contacts(balance: BalanceClients, shop: CustomerAccounts, clock: Callable[[], datetime]) -> Deliver:
    """The effect of a shop's lane of contacts."""

    async def deliver(rows: Sequence[Row]) -> Sequence[Outcome]:
        return await asyncio.gather(*(_deliver(row, balance, shop, clock) for row in rows))

    return deliver


async def _deliver(row: Row, balance: BalanceClients, shop: CustomerAccounts, clock: Callable[[], datetime]) -> Outcome:
    task = ContactTask.model_validate(row.payload)
    try:
        current = await _load_contacts(task, balance, shop)
        if current is None:
            gone = f"client {task.client} was removed from Balance or marked for deletion: its contacts are not merged"
            return Refused(Reason.BALANCE_REFUSED, gone)
        merges = _merges(task, current)
        await _write(task, merges, current, balance, shop)
        after = await _load_contacts(task, balance, shop)
    except UpstreamError as error:
        return outcome_of(error)
    except RowInvalid as error:
        return Refused(error.reason, error.detail)
    if after is None or _has_unwritten(merges, after):
        return Unknown(f"the contacts of client {task.client} were accepted, but are not visible yet")
    return Done(_events(task, merges, current, after, clock()))


async def _load_contacts(task: ContactTask, balance: BalanceClients, shop: CustomerAccounts) -> CurrentContacts | None:
    client = await balance.client(task.client)
    if client is None or client.deleted:
        return None
    account = await shop.customer(task.customer_id) if task.customer_id else None
    ordered = Contacts.model_validate(task.person["order"])
    theirs = _account_contacts(account, ordered) if account else ordered
    return CurrentContacts(
        client, account, ContactsOfBoth(person_ref=task.person_ref, shop=theirs, balance=_client_contacts(client))
    )


def _account_contacts(account: Customer, ordered: Contacts) -> Contacts:
    """The contacts in the account, which may be newer than the order; missing ones are taken from the order."""
    shipping, billing = (address_line(postal_address(each)) for each in (account.shipping, account.billing))
    return Contacts(
        phone=account.billing.phone or account.shipping.phone or ordered.phone,
        email=account.billing.email or ordered.email or account.email,
        address=shipping or billing or ordered.address,
    )


def _client_contacts(client: ClientRef) -> Contacts:
    phone, email = (next(iter(each), "") for each in (client.phones, client.emails))
    return Contacts(phone=phone, email=email, address=client.address or "")


def _merges(task: ContactTask, current: CurrentContacts) -> Merges:
    newer = _newer_side(task, current.client)
    base = ContactsOfBoth.model_validate(task.person["base"] or {"person_ref": task.person_ref})
    return {
        field: merge_contact(
            MergeRule(field, policy, newer, task.settled.get(field)), _sides(field, current.both), _sides(field, base)
        )
        for field, policy in task.policies.items()
    }


def _sides(field: ContactField, both: ContactsOfBoth) -> ContactSides:
    return ContactSides(shop=getattr(both.shop, field), balance=getattr(both.balance, field))


def _newer_side(task: ContactTask, client: ClientRef) -> Side | None:
    """The side that was changed last, if Balance states when a client was changed."""
    try:
        changed = parse_moment(value(client.row, task.changed_field)) if task.changed_field else None
    except ValueError:
        return None
    return None if changed is None else "balance" if changed > task.order_at else "shop"


async def _write(
    task: ContactTask, merges: Merges, current: CurrentContacts, balance: BalanceClients, shop: CustomerAccounts
) -> None:
    to_balance = {IN_BALANCE[field]: getattr(current.both.shop, field) for field in _fields_to(merges, "balance")}
    if to_balance:
        await balance.patch_client({"uid": task.client, **to_balance})
    to_shop = {field: getattr(current.both.balance, field) for field in _writable_fields(merges, current)}
    if to_shop:
        await shop.update_customer(task.customer_id, {"billing": to_shop})


def _fields_to(merges: Merges, side: Side) -> list[ContactField]:
    """The fields that are written to a side: those whose value is taken from the other."""
    other: Side = "shop" if side == "balance" else "balance"
    return [field for field, one in merges.items() if one.take == other]


def _writable_fields(merges: Merges, current: CurrentContacts) -> list[ContactField]:
    """The fields that can be written to the shop; a guest has no account to write to."""
    return [field for field in _fields_to(merges, "shop") if field in TO_SHOP and current.account is not None]


def _has_unwritten(merges: Merges, after: CurrentContacts) -> bool:
    written = [*_fields_to(merges, "balance"), *_writable_fields(merges, after)]
    return any(
        NORMALIZERS[field](getattr(after.both.shop, field)) != NORMALIZERS[field](getattr(after.both.balance, field))
        for field in written
    )


def _events(
    task: ContactTask, merges: Merges, current: CurrentContacts, after: CurrentContacts, now: datetime
) -> tuple[Event, ...]:
    about = {"shop": task.shop, "order_id": task.order_id, "client": task.client, "person_ref": task.person_ref}
    conflicts = tuple(one.conflict for one in merges.values() if one.conflict)
    conflicted = ContactsConflicted(**about, person=current.both, conflicts=conflicts, seen_at=now)
    waiting = tuple(field for field, one in merges.items() if one.waits)
    merged = ContactsMerged(
        **about,
        person=_base(task, waiting, after.both),
        order_at=task.order_at,
        fields=tuple(merges),
        to_balance=tuple(_fields_to(merges, "balance")),
        to_shop=tuple(_writable_fields(merges, current)),
        unsettled=waiting,
        settled=task.commands,
        merged_at=now,
    )
    return (conflicted, merged) if conflicts else (merged,)


def _base(task: ContactTask, waiting: Sequence[ContactField], after: ContactsOfBoth) -> ContactsOfBoth:
    """The base of the next merge: the present contacts; fields that wait for a decision keep their earlier base."""
    earlier = ContactsOfBoth.model_validate(task.person["base"] or {"person_ref": task.person_ref})
    kept = {side: {f: getattr(getattr(earlier, side), f) for f in waiting} for side in ("shop", "balance")}
    shop, balance = (getattr(after, side).model_copy(update=kept[side]) for side in ("shop", "balance"))
    return ContactsOfBoth(person_ref=task.person_ref, shop=shop, balance=balance)
