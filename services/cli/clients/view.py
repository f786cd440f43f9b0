"""Clients for a terminal, and as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from contracts.clients import ClientAssigned, ContactsConflicted
from services.cli.clients.history import (
    ClientFacts,
    ClientHistory,
    describe_removed_account,
    removed_account_to_dict,
)
from services.cli.screen import build_table, console
from services.engine.clock import local_time

CLIENT_COLUMNS = ("client", "code", "how", "sales", "numbers", "merged by")


def print_clients(known: ClientFacts) -> None:
    """All clients of a shop, those with most orders first."""
    found = sorted(known.clients.values(), key=lambda one: (-len(one.orders), one.uid))
    console.print(build_table(CLIENT_COLUMNS, map(_row, found), right=(3, 4)))
    console.print(f"Clients: {len(found)}. Names are in Balance; more: davtari clients show CLIENT --shop {known.shop}")
    for one in found:
        for event in known.ended(one):
            console.print(f"  {one.uid}: {describe_removed_account(event)}", soft_wrap=True, markup=False)


def _row(one: ClientHistory) -> tuple[object, ...]:
    by = ", ".join(sorted({word.asked_by for word in one.words}))
    return one.uid, one.code or "", one.how, len(one.orders), len(one.identities), by


def print_client(known: ClientFacts, one: ClientHistory) -> None:
    """One client with its story."""
    console.print(f"[bold]{one.uid}[/]  {one.code or 'code not known'} · {one.how or 'never looked up'}")
    console.print(f"  Sales of orders: {', '.join(map(str, one.orders)) or 'none'}", soft_wrap=True)
    for identity in sorted(one.identities):
        console.print(f"  identity {identity}")
    for detail in one.details:
        console.print(f"  {detail}", markup=False, soft_wrap=True)
    for event in known.ended(one):
        console.print(f"  {describe_removed_account(event)}", markup=False, soft_wrap=True)
    for word in one.words:
        console.print(f"  {_describe_assignment(word)}", markup=False, soft_wrap=True)


def _describe_assignment(word: ClientAssigned) -> str:
    whose = f"identity {word.identity}" if word.identity else f"person {word.person_ref}"
    return f"{local_time(word.asked_at)} {word.asked_by}: {whose} goes here: {word.why}"


def print_merge(words: Sequence[ClientAssigned], dry_run: bool) -> None:
    """What a merge comes to."""
    for word in words:
        whose = f"identity {word.identity}" if word.identity else f"person {word.person_ref}"
        where = f"go to client {word.client}" if word.client else "go again where the rules say"
        console.print(f"{'would be said' if dry_run else 'said'}: the orders of {whose} {where}", soft_wrap=True)
    console.print("Sales that stand are left as they are.")


def client_to_dict(known: ClientFacts, one: ClientHistory) -> dict[str, object]:
    """One client as data."""
    return {
        "client": one.uid,
        "code": one.code,
        "how": one.how,
        "orders": one.orders,
        "identities": sorted(one.identities),
        "details": one.details,
        "words": [word.content() for word in one.words],
        "ended_accounts": [removed_account_to_dict(event) for event in known.ended(one)],
    }


# Contacts in conflict that wait for a person: both values, since when, and under which order they came up.

CONFLICT_COLUMNS = ("client", "field", "Balance", "shop", "since", "order")


@dataclass(frozen=True, slots=True)
class OpenConflict:
    """A contact that both sides changed; `said`: somebody has decided, and order-exporter has not written it yet."""

    client: str
    field: str
    balance: str
    shop: str
    since: str
    order_id: int
    said: str = ""


def open_conflicts(known: ClientFacts) -> list[OpenConflict]:
    """What waits in a shop, oldest first."""
    found = []
    for (client, field), event in sorted(known.conflicts.items(), key=lambda item: item[1].seen_at):
        balance, shop = _values(event, field)
        word = known.settled.get((client, field))
        said = f"{word.take}, by {word.asked_by}" if word else ""
        found.append(OpenConflict(client, field, balance, shop, local_time(event.seen_at), event.order_id, said))
    return found


def _values(event: ContactsConflicted, field: str) -> tuple[str, str]:
    """Balance's and the shop's; empty once the person was forgotten."""
    both = event.person
    return (getattr(both.balance, field), getattr(both.shop, field)) if both else ("", "")


def conflict_to_dict(one: OpenConflict) -> dict[str, object]:
    """One as data."""
    return asdict(one)


def print_conflicts(found: Sequence[OpenConflict], shop: str) -> None:
    """All of them, and how to settle one."""
    if not found:
        console.print("No contact waits for a person.")
        return
    console.print(
        build_table(CONFLICT_COLUMNS, [(o.client, o.field, o.balance, o.shop, o.since, o.order_id) for o in found])
    )
    for one in found:
        mend = f'davtari clients settle {one.client} {one.field} shop|balance --shop {shop} --reason "…"'
        told = f"decided: {one.said}" if one.said else mend
        console.print(f"  {told}", style="cyan", markup=False, soft_wrap=True)
