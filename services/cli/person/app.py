"""`davtari person`: everything that Davtari holds about one person (GDPR, article 15), and what is no longer kept."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from contracts.delivery_ids import order_key
from services.cli.command import (
    NO_ANSWER,
    DryRun,
    InvalidArgument,
    Json,
    Patience,
    Shop,
    command,
    read_settings,
    run_until_stopped,
    select_shop,
)
from services.cli.forget.app import ForgetAnswers, forget_people
from services.cli.forget.dossier import build_dossier, find_person_refs
from services.cli.person import retention
from services.cli.person.held import ELSEWHERE, TOPICS, HeldData, collect_held
from services.cli.person.related import RelatedPerson, describe_related, find_related
from services.cli.screen import print_json, print_line
from services.engine.client.reader import read_events
from services.engine.clock import local_date, local_day, next_run, utc_now
from services.settings import Settings

app = typer.Typer(
    no_args_is_help=True, help="Export what is held about a person, or erase people whose retention has ended."
)
Related = Annotated[
    bool, typer.Option("--related", help="Include orders that are probably the same person's, in any shop.")
]


@app.callback()
def person() -> None:
    """What is held about one person."""


@app.command(name="export")
@command
async def export_person(
    order_id: Annotated[int, typer.Argument(metavar="ORDER", help="An order of the person.")],
    shop: Shop = "",
    related: Related = False,
    json: Json = False,
) -> int:
    """Show everything that Davtari holds about the buyer of an order.

    Orders of the same account, or of a guest with the same e-mail, belong to the same person. With --related also those
    that share an account, number, e-mail or phone: check that they are not somebody else's. Only what is still readable
    is shown: after `davtari forget` nothing is.
    """
    chosen = read_settings()
    key = order_key(select_shop(chosen, shop), order_id)
    known = [envelope async for envelope in read_events(chosen, TOPICS)]
    refs = find_person_refs(key, known)
    if not refs:
        raise InvalidArgument(f"Unknown order {order_id} of shop {key.partition(':')[0]}")
    others = find_related(refs, known)
    held = collect_held(refs | {one.ref for one in others} if related else refs, known)
    if json:
        print_json(held.to_dict() | {"related": [] if related else [_related_to_dict(one) for one in others]})
    else:
        for line in describe_held(held, [] if related else others):
            print_line(line)
    return 0


def _related_to_dict(one: RelatedPerson) -> dict[str, object]:
    return {"person_ref": one.ref, "orders": sorted(one.orders), "shared": sorted(one.shared)}


def describe_held(held: HeldData, others: list[RelatedPerson]) -> Iterator[str]:
    """Lines for a person."""
    found = held.dossier
    yield f"Person {', '.join(sorted(found.refs))}"
    yield "" if held.facts else "Nothing about this person is readable: forgotten, or never given."
    for name, values in held.facts.items():
        yield f"  {name}: {' · '.join(values)}"
    yield "Orders"
    for key, order in sorted(found.orders.items()):
        yield f"  {key}  {local_date(order.created_at)}  {order.total} {order.currency}  {order.status}"
    yield "In Balance"
    yield from (f"  client {code or uid}" for uid, code in sorted(found.clients.items()))
    yield from (f"  {count} × {name}" for name, count in found.documents.items())
    yield "Events"
    yield from (f"  {topic}: {count}" for topic, count in Counter(each.data.TOPIC for each in held.events).items())
    yield "Not shown here"
    yield from (f"  {place}" for place in ELSEWHERE)
    yield from (f"! {line}; add --related" for line in describe_related(others))


Daily = Annotated[bool, typer.Option("--daily", help="Keep running, and do it every night until SIGTERM.")]
AtMost = Annotated[int, typer.Option(min=1, help="The most people of one run; the longest expired are first.")]
NIGHTLY = "41 3 * * *"
"""Tbilisi, when little else runs."""


@app.command(name="expire")
@command
async def expire_people(
    dry_run: DryRun = False, daily: Daily = False, at_most: AtMost = 500, patience: Patience = 60.0, json: Json = False
) -> int:
    """Erase the buyers whose data is no longer kept (privacy.keep-days-after-close). Run it once a day.

    A buyer has expired when every order is booked or given up, its day is closed, and it has not changed for so many
    days. Documents and the client in Balance are kept. What was done is printed, and is in the topics as erasures.
    """
    chosen = read_settings()
    if chosen.privacy.keep_days_after_close is None:
        print_line("privacy.keep-days-after-close is not set: people are kept until they are forgotten.")
        return 0
    if not daily:
        return await _expire(chosen, at_most, patience, dry_run=dry_run, json=json)
    return await run_until_stopped(_expire_nightly(chosen, at_most, patience, dry_run=dry_run, json=json), 0)


async def _expire_nightly(chosen: Settings, at_most: int, patience: float, *, dry_run: bool, json: bool) -> int:
    while True:
        now = utc_now()
        await asyncio.sleep((next_run(NIGHTLY, now) - now).total_seconds())
        await _expire(chosen, at_most, patience, dry_run=dry_run, json=json)


async def _expire(chosen: Settings, at_most: int, patience: float, *, dry_run: bool, json: bool) -> int:
    days, now = chosen.privacy.keep_days_after_close or 0, utc_now()
    known = [envelope async for envelope in read_events(chosen, retention.TOPICS, as_sealed=True)]
    expired = retention.find_expired(known, chosen.shops, days, local_day(now))[:at_most]
    found = build_dossier({one.ref for one in expired}, known)
    answers = ForgetAnswers((), ())
    if expired:
        answers = await forget_people(
            chosen, found, None, f"expired: kept for {days} days after close", patience, dry_run=dry_run
        )
    report = _expiry_to_dict(expired, len(found.keys), answers, dry_run=dry_run)
    print_json(report) if json else print_line(_describe_expiry(report))
    return NO_ANSWER if answers.silent else 0


def _expiry_to_dict(
    expired: list[retention.ExpiredPerson], keys: int, answers: ForgetAnswers, *, dry_run: bool
) -> dict[str, Any]:
    orders = sorted(key for one in expired for key in one.orders)
    copies = sum(each.figures.get("copies", 0) for each in answers.answers)
    figures = {"people": len(expired), "orders": orders, "keys": keys, "copies": copies}
    return figures | {"silent": list(answers.silent), "dry_run": dry_run}


def _describe_expiry(report: dict[str, Any]) -> str:
    done = "would be erased" if report["dry_run"] else "erased"
    text = (
        f"{report['people']} people of {len(report['orders'])} orders {done}: {report['keys']} keys, "
        f"{report['copies']} copies"
    )
    silent = ", ".join(report["silent"])
    return text + (f"; no answer from {silent}, which follow when they run" if silent else "")
