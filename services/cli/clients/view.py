"""Print clients, merges, and conflicts of contacts, or convert them for `--json`."""

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
from services.cli.screen import build_table, compose, console, styled
from services.engine.clock import local_time

CLIENT_COLUMNS = ("client", "code", "found", "sales", "numbers", "merged by")
CONFLICT_COLUMNS = ("client", "field", "Balance", "shop", "since", "order")


def print_clients(known: ClientFacts) -> None:
    """Print all clients of a shop, those with the most orders first."""
    found = sorted(known.clients.values(), key=lambda one: (-len(one.orders), one.uid))
    console.print(build_table(CLIENT_COLUMNS, map(_row, found), right=(3, 4)))
    console.print(
        f"Clients: {len(found)}. Names are in Balance. Details: davtari clients show CLIENT --shop {known.shop}"
    )
    for one in found:
        for removed in known.removed_accounts(one):
            console.print(f"  {one.uid}: {describe_removed_account(removed)}", soft_wrap=True)


def _row(one: ClientHistory) -> tuple[object, ...]:
    by = ", ".join(sorted({event.asked_by for event in one.assignments}))
    return one.uid, one.code or "", one.how, len(one.orders), len(one.identities), by


def print_client(known: ClientFacts, one: ClientHistory) -> None:
    """Print one client with its history."""
    console.print(
        compose(styled(one.uid, "bold"), f"  {one.code or 'code unknown'} · {one.how or 'not looked up yet'}")
    )
    console.print(f"  Sales of orders: {', '.join(map(str, one.orders)) or 'none'}", soft_wrap=True)
    for identity in sorted(one.identities):
        console.print(f"  identity {identity}")
    for detail in one.details:
        console.print(f"  {detail}", soft_wrap=True)
    for removed in known.removed_accounts(one):
        console.print(f"  {describe_removed_account(removed)}", soft_wrap=True)
    for event in one.assignments:
        console.print(f"  {_describe_assignment(event)}", soft_wrap=True)


def _describe_assignment(event: ClientAssigned) -> str:
    whose = f"identity {event.identity}" if event.identity else f"person {event.person_ref}"
    return f"{local_time(event.asked_at)} {event.asked_by}: orders of {whose} are booked on this client: {event.why}"


def print_merge(assignments: Sequence[ClientAssigned], dry_run: bool) -> None:
    """Print whose orders are booked on which client from now on."""
    for event in assignments:
        whose = f"identity {event.identity}" if event.identity else f"person {event.person_ref}"
        where = f"on client {event.client}" if event.client else "by the rules again"
        verb = "would be booked" if dry_run else "will be booked"
        console.print(f"Future orders of {whose} {verb} {where}.", soft_wrap=True)
    console.print("Existing Sales are not changed.")


def client_to_dict(known: ClientFacts, one: ClientHistory) -> dict[str, object]:
    """A client for `--json`."""
    return {
        "client": one.uid,
        "code": one.code,
        "how": one.how,
        "orders": one.orders,
        "identities": sorted(one.identities),
        "details": one.details,
        "assignments": [event.content() for event in one.assignments],
        "ended_accounts": [removed_account_to_dict(removed) for removed in known.removed_accounts(one)],
    }


@dataclass(frozen=True, slots=True)
class OpenConflict:
    """A contact changed on both sides. `decision`: a person has decided, but order-exporter has not written it yet."""

    client: str
    field: str
    balance: str
    shop: str
    since: str
    order_id: int
    decision: str = ""


def open_conflicts(known: ClientFacts) -> list[OpenConflict]:
    """The open conflicts of a shop, oldest first."""
    found = []
    for (client, field), event in sorted(known.conflicts.items(), key=lambda item: item[1].seen_at):
        balance, shop = _values(event, field)
        settled = known.settled.get((client, field))
        decision = f"{settled.take}, by {settled.asked_by}" if settled else ""
        found.append(OpenConflict(client, field, balance, shop, local_time(event.seen_at), event.order_id, decision))
    return found


def _values(event: ContactsConflicted, field: str) -> tuple[str, str]:
    """The values in Balance and in the shop; empty once the person was forgotten."""
    both = event.person
    return (getattr(both.balance, field), getattr(both.shop, field)) if both else ("", "")


def conflict_to_dict(one: OpenConflict) -> dict[str, object]:
    """A conflict for `--json`."""
    return asdict(one)


def print_conflicts(found: Sequence[OpenConflict], shop: str) -> None:
    """Print the conflicts, and the command that resolves each."""
    if not found:
        console.print("No conflicts of contacts.")
        return
    console.print(
        build_table(CONFLICT_COLUMNS, [(o.client, o.field, o.balance, o.shop, o.since, o.order_id) for o in found])
    )
    for one in found:
        command = f'davtari clients settle {one.client} {one.field} shop|balance --shop {shop} --reason "…"'
        text = f"decided: {one.decision}" if one.decision else command
        console.print(f"  {text}", style="cyan", soft_wrap=True)
