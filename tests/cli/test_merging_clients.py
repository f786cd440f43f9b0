"""`davtari clients`: what is known of clients, whose orders a merge is about, and where they may be sent."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.clients import ClientAssigned
from contracts.envelope import Envelope, wrap
from contracts.model import Event
from services.accounting.documents.uids import client_uid
from services.cli.clients import merging
from services.cli.clients.known import Known, NoSuchClient, Ref, known
from services.cli.clients.merging import Whose
from services.cli.command import InvalidArgument
from services.connectors.woocommerce.person import account_ref
from tests.cli.clients_bench import both
from tests.order_exporter.export_bench import CLIENT, IDENTITY, bought, client_recorded, person
from tests.support.exporting import PAID, PERSONAL_ID, buyer, recorded_sale, settings
from tests.support.memory_state import NOON

OTHER = "88888888-0000-4000-8000-000000000001"


def told(*events: Event) -> Known:
    """What is known after these events of the shop."""
    return known("main", [_enveloped(event, version) for version, event in enumerate(events, start=1)])


def _enveloped(event: Event, version: int) -> Envelope[Event]:
    return wrap(event, version=version, source="/tests", time=NOON)


def sold(**fields: Any) -> list[Event]:
    """An order with a number, its client, its Sale."""
    of = bought(**person(**fields))
    sale = recorded_sale(of, settings()).model_copy(update={"client": CLIENT})
    return [of, client_recorded(order_id=of.order_id, code="000000017"), sale]


def word(**fields: Any) -> ClientAssigned:
    given = {"command_id": "c-1", "asked_by": "nana", "asked_at": PAID, "shop": "main", "why": "twice"}
    return ClientAssigned.model_validate(given | {"identity": IDENTITY, "client": OTHER} | fields)


@pytest.mark.claim("S4.10")
def test_uid_and_code_of_a_client_are_known_with_its_sales() -> None:
    [one] = told(*sold()).clients.values()
    assert (one.uid, one.code, one.how, one.orders) == (CLIENT, "000000017", "found", [1042])
    assert one.identities == {IDENTITY}
    assert told(*sold()).one("000000017").uid == told(*sold()).one("77777777").uid == CLIENT


def test_a_client_that_is_not_known_or_not_one_is_named() -> None:
    with pytest.raises(NoSuchClient, match="0 clients match 999"):
        told(*sold()).one("999")
    with pytest.raises(NoSuchClient, match="2 clients"):
        told(*sold(), word(client=CLIENT[:-1] + "9")).one("77777777")


@pytest.mark.parametrize(
    ("whose", "ref"),
    [
        (Whose(order=1042), Ref(identity=IDENTITY)),
        (Whose(order=1043), Ref(person_ref="p-1")),
        (Whose(number="990-010 12345"), Ref(identity=IDENTITY)),
        (Whose(client="77777777"), Ref(identity=IDENTITY)),
        (Whose(customer=7), Ref(person_ref=account_ref("main", 7))),
    ],
)
def test_whose_orders_are_meant(whose: Whose, ref: Ref) -> None:
    found = told(*sold(), bought(order_id=1043, number="1043", person=buyer()))
    assert list(merging.refs(whose, found)) == [ref]


@pytest.mark.parametrize("whose", [Whose(), Whose(order=1042, customer=7), Whose(number="123")])
def test_exactly_one_thing_says_whose(whose: Whose) -> None:
    with pytest.raises(InvalidArgument):
        merging.refs(whose, told(*sold()))


def test_an_order_that_nobody_knows_is_nobodys() -> None:
    with pytest.raises(NoSuchClient, match="order 9"):
        merging.refs(Whose(order=9), told(*sold()))


@pytest.mark.parametrize(("to", "why", "undo"), [("", "why", False), ("x", "why", True), ("x", " ", False)])
def test_a_merge_says_where_and_why(to: str, why: str, undo: bool) -> None:
    with pytest.raises(InvalidArgument):
        merging.check(to, why, undo=undo)


async def test_the_target_must_stand_in_balance_and_nothing_is_written_there() -> None:
    async with both() as world:
        uid = world.client(ID=PERSONAL_ID, Name="by hand")
        before = list(world.books.clients.rows())
        assert (await merging.target(world.balance, uid.upper())).uid == uid
        assert (await merging.target(world.balance, PERSONAL_ID)).uid == uid
        with pytest.raises(NoSuchClient, match="nothing was changed"):
            await merging.target(world.balance, OTHER)
        world.books.clients.marked.add(uid)
        with pytest.raises(NoSuchClient):
            await merging.target(world.balance, uid)
        world.books.clients.marked.clear()
        assert list(world.books.clients.rows()) == before


def test_who_and_why_are_kept_with_the_word() -> None:
    [said] = merging.words("main", [Ref(identity=client_uid(PERSONAL_ID))], OTHER, "stood twice in Balance")
    assert (said.client, said.why, bool(said.asked_by)) == (OTHER, "stood twice in Balance", True)
    assert told(*sold(), said).one(OTHER).words == [said]
    assert PERSONAL_ID not in said.model_dump_json()
