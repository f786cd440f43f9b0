"""Clients for a terminal, and as data."""

from __future__ import annotations

from collections.abc import Sequence

from contracts.clients import ClientAssigned
from services.cli.clients import accounts
from services.cli.clients.known import Client, Known
from services.cli.screen import build_table, console
from services.engine.runtime.tbilisi import local_time

HEADS = ("client", "code", "how", "sales", "numbers", "merged by")


def clients(known: Known) -> None:
    """All clients of a shop, those with most orders first."""
    found = sorted(known.clients.values(), key=lambda one: (-len(one.orders), one.uid))
    console.print(build_table(HEADS, map(_row, found), right=(3, 4)))
    console.print(f"Clients: {len(found)}. Names are in Balance; more: davtari clients show CLIENT --shop {known.shop}")
    for one in found:
        for event in known.ended(one):
            console.print(f"  {one.uid}: {accounts.sentence(event)}", soft_wrap=True, markup=False)


def _row(one: Client) -> tuple[object, ...]:
    by = ", ".join(sorted({word.asked_by for word in one.words}))
    return one.uid, one.code or "", one.how, len(one.orders), len(one.identities), by


def client(known: Known, one: Client) -> None:
    """One client with its story."""
    console.print(f"[bold]{one.uid}[/]  {one.code or 'code not known'} · {one.how or 'never looked up'}")
    console.print(f"  Sales of orders: {', '.join(map(str, one.orders)) or 'none'}", soft_wrap=True)
    for identity in sorted(one.identities):
        console.print(f"  identity {identity}")
    for detail in one.details:
        console.print(f"  {detail}", markup=False, soft_wrap=True)
    for event in known.ended(one):
        console.print(f"  {accounts.sentence(event)}", markup=False, soft_wrap=True)
    for word in one.words:
        console.print(f"  {_said(word)}", markup=False, soft_wrap=True)


def _said(word: ClientAssigned) -> str:
    whose = f"identity {word.identity}" if word.identity else f"person {word.person_ref}"
    return f"{local_time(word.asked_at)} {word.asked_by}: {whose} goes here: {word.why}"


def merged(words: Sequence[ClientAssigned], dry_run: bool) -> None:
    """What a merge comes to."""
    for word in words:
        whose = f"identity {word.identity}" if word.identity else f"person {word.person_ref}"
        where = f"go to client {word.client}" if word.client else "go again where the rules say"
        console.print(f"{'would be said' if dry_run else 'said'}: the orders of {whose} {where}", soft_wrap=True)
    console.print("Sales that stand are left as they are.")


def data(known: Known, one: Client) -> dict[str, object]:
    """One client as data."""
    return {
        "client": one.uid,
        "code": one.code,
        "how": one.how,
        "orders": one.orders,
        "identities": sorted(one.identities),
        "details": one.details,
        "words": [word.content() for word in one.words],
        "ended_accounts": [accounts.data(event) for event in known.ended(one)],
    }
