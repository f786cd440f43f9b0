"""`davtari import clients`: customer accounts of a shop that gave a number become clients of Balance (claim S2.21).

Read first, written once: who is in Balance by number is left as he is, so that it may be repeated or broken off.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from services.connectors.balance.clients import ClientRef
from services.connectors.balance.rows import RowInvalid
from services.connectors.woocommerce.customers import Customer
from services.connectors.woocommerce.person import IdentityKeys, person_of_account
from services.engine.outbox.upstream_errors import Rejected
from services.order_exporter.clients.client import client_fields, identity_of
from services.settings.balance import ListTexts

AT_ONCE = 25
Outcome = Literal["new", "created", "there", "skipped", "failed"]
NO_NUMBER = "no personal or company number in the account"
BAD_NUMBER = "the number in the account is none: 11 digits of a person, 9 of a company"
SAME_NUMBER = "another account has the same number: one client for both"


class Clients(Protocol):
    """The clients of a Balance."""

    async def client_by_id(self, personal_or_company_id: str) -> ClientRef | None: ...
    async def put_client(self, document: Mapping[str, Any]) -> Mapping[str, Any] | None: ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of an account. `document` is the client that is to be made of it."""

    customer_id: int
    outcome: Outcome
    why: str = ""
    client: str = ""
    code: str | None = None
    document: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """What an account is judged by: the shop, where numbers stand in it, and how Balance calls legal forms."""

    shop: str
    keys: IdentityKeys
    lists: ListTexts


async def judged(customers: AsyncIterable[Customer], there: Mapping[str, ClientRef], rules: Rules) -> list[Verdict]:
    """What is to become of every account; `there` are the clients of Balance by number."""
    taken = set[str]()
    return [_judged(customer, there, taken, rules) async for customer in customers]


def _judged(customer: Customer, there: Mapping[str, ClientRef], taken: set[str], rules: Rules) -> Verdict:
    person = person_of_account(rules.shop, customer, rules.keys)
    identity = identity_of(person)
    if identity is None:
        given = person.personal_id or person.company_id
        return Verdict(customer.id, "skipped", BAD_NUMBER if given else NO_NUMBER)
    if identity.number in taken:
        return Verdict(customer.id, "skipped", SAME_NUMBER)
    taken.add(identity.number)
    if found := there.get(identity.number):
        return Verdict(customer.id, "there", client=found.uid, code=found.code)
    document = client_fields(identity, person, rules.shop, customer.id, rules.lists)
    return Verdict(customer.id, "new", client=identity.ref, document=document)


async def by_number(clients: AsyncIterable[ClientRef]) -> dict[str, ClientRef]:
    """The clients of Balance by number; of several with one number that with the lowest uid, as orders take it."""
    found: dict[str, ClientRef] = {}
    async for ref in clients:
        if ref.number and (ref.number not in found or ref.uid < found[ref.number].uid):
            found[ref.number] = replace(ref, row={})
    return found


async def written(verdicts: Sequence[Verdict], balance: Clients, told: Callable[[int], None]) -> list[Verdict]:
    """Makes the new clients; `told` hears how many accounts are done. A refused one stops no other.

    Raises `UpstreamError` when Balance is away: what was made is found the next time.
    """
    done: list[Verdict] = []
    for start in range(0, len(verdicts), AT_ONCE):
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_made(one, balance)) for one in verdicts[start : start + AT_ONCE]]
        done += [task.result() for task in tasks]
        told(len(done))
    return done


async def _made(one: Verdict, balance: Clients) -> Verdict:
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


def counts(verdicts: Iterable[Verdict]) -> Mapping[tuple[Outcome, str], int]:
    """How many accounts came to which end, and why."""
    return Counter((one.outcome, one.why) for one in verdicts)
