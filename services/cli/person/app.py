"""`davtari person export`: everything that Davtari holds about one person, readable or as JSON (GDPR, article 15)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Annotated

import typer

from contracts.delivery_ids import order_key
from services.cli.command import InvalidArgument, Json, Shop, command, read_settings, select_shop
from services.cli.forget.dossier import find_person_refs
from services.cli.person.held import ELSEWHERE, TOPICS, HeldData, collect_held
from services.cli.person.related import RelatedPerson, describe_related, find_related
from services.cli.screen import print_json, print_line
from services.engine.client.reader import read_events
from services.engine.clock import local_date

app = typer.Typer(no_args_is_help=True, help="What is held about one person.")
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
