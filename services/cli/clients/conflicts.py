"""Contacts in conflict that wait for a person: both values, since when, and under which order they came up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from contracts.clients import ContactsConflicted
from services.cli.clients.known import Known
from services.cli.screen import build_table, console
from services.engine.runtime.tbilisi import local_time

HEADS = ("client", "field", "Balance", "shop", "since", "order")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A contact that both sides changed; `said`: somebody has decided, and order-exporter has not written it yet."""

    client: str
    field: str
    balance: str
    shop: str
    since: str
    order_id: int
    said: str = ""


def waiting(known: Known) -> list[Waiting]:
    """What waits in a shop, oldest first."""
    found = []
    for (client, field), event in sorted(known.conflicts.items(), key=lambda item: item[1].seen_at):
        balance, shop = _values(event, field)
        word = known.settled.get((client, field))
        said = f"{word.take}, by {word.asked_by}" if word else ""
        found.append(Waiting(client, field, balance, shop, local_time(event.seen_at), event.order_id, said))
    return found


def _values(event: ContactsConflicted, field: str) -> tuple[str, str]:
    """Balance's and the shop's; empty once the person was forgotten."""
    both = event.person
    return (getattr(both.balance, field), getattr(both.shop, field)) if both else ("", "")


def data(one: Waiting) -> dict[str, object]:
    """One as data."""
    return asdict(one)


def show(found: Sequence[Waiting], shop: str) -> None:
    """All of them, and how to settle one."""
    if not found:
        console.print("No contact waits for a person.")
        return
    console.print(build_table(HEADS, [(o.client, o.field, o.balance, o.shop, o.since, o.order_id) for o in found]))
    for one in found:
        mend = f'davtari clients settle {one.client} {one.field} shop|balance --shop {shop} --reason "…"'
        told = f"decided: {one.said}" if one.said else mend
        console.print(f"  {told}", style="cyan", markup=False, soft_wrap=True)
