"""`davtari clients`: what is known of clients, whose orders a merge is about, and where they may be sent."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.clients import ClientAssigned
from contracts.envelope import Envelope, wrap
from contracts.model import Event
from services.accounting.documents.ids import client_uid
from services.cli.clients import app
from services.cli.clients.app import BuyerChoice
from services.cli.clients.history import BuyerRef, ClientFacts, ClientNotFound, collect_clients
from services.cli.command import InvalidArgument
from services.connectors.woocommerce.customers import account_ref
from tests.cli.clients_bench import both
from tests.order_exporter.export_bench import CLIENT, IDENTITY, bought, client_recorded, person
from tests.support.exporting import PAID, PERSONAL_ID, buyer, recorded_sale, settings
from tests.support.memory_state import NOON

OTHER = "88888888-0000-4000-8000-000000000001"


def told(*events: Event) -> ClientFacts:
    """What is known after these events of the shop."""
    return collect_clients("main", [_enveloped(event, version) for version, event in enumerate(events, start=1)])


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
    assert told(*sold()).find("000000017").uid == told(*sold()).find("77777777").uid == CLIENT


def test_a_client_that_is_not_known_or_not_one_is_named() -> None:
    with pytest.raises(ClientNotFound, match="0 clients match 999"):
        told(*sold()).find("999")
    with pytest.raises(ClientNotFound, match="2 clients"):
        told(*sold(), word(client=CLIENT[:-1] + "9")).find("77777777")


@pytest.mark.parametrize(
    ("whose", "ref"),
    [
        (BuyerChoice(order=1042), BuyerRef(identity=IDENTITY)),
        (BuyerChoice(order=1043), BuyerRef(person_ref="p-1")),
        (BuyerChoice(number="990-010 12345"), BuyerRef(identity=IDENTITY)),
        (BuyerChoice(client="77777777"), BuyerRef(identity=IDENTITY)),
        (BuyerChoice(customer=7), BuyerRef(person_ref=account_ref("main", 7))),
    ],
)
def test_whose_orders_are_meant(whose: BuyerChoice, ref: BuyerRef) -> None:
    found = told(*sold(), bought(order_id=1043, number="1043", person=buyer()))
    assert list(app.find_buyers(whose, found)) == [ref]


@pytest.mark.parametrize("whose", [BuyerChoice(), BuyerChoice(order=1042, customer=7), BuyerChoice(number="123")])
def test_exactly_one_thing_says_whose(whose: BuyerChoice) -> None:
    with pytest.raises(InvalidArgument):
        app.find_buyers(whose, told(*sold()))


def test_an_order_that_nobody_knows_is_nobodys() -> None:
    with pytest.raises(ClientNotFound, match="order 9"):
        app.find_buyers(BuyerChoice(order=9), told(*sold()))


@pytest.mark.parametrize(("to", "why", "undo"), [("", "why", False), ("x", "why", True), ("x", " ", False)])
def test_a_merge_says_where_and_why(to: str, why: str, undo: bool) -> None:
    with pytest.raises(InvalidArgument):
        app.check_merge_options(to, why, undo=undo)


async def test_the_target_must_exist_in_balance_and_nothing_is_written_there() -> None:
    async with both() as world:
        uid = world.client(ID=PERSONAL_ID, Name="by hand")
        before = list(world.books.clients.rows())
        assert (await app.find_target_client(world.balance, uid.upper())).uid == uid
        assert (await app.find_target_client(world.balance, PERSONAL_ID)).uid == uid
        with pytest.raises(ClientNotFound, match="Nothing was changed"):
            await app.find_target_client(world.balance, OTHER)
        world.books.clients.marked.add(uid)
        with pytest.raises(ClientNotFound):
            await app.find_target_client(world.balance, uid)
        world.books.clients.marked.clear()
        assert list(world.books.clients.rows()) == before


def test_who_and_why_are_recorded_with_the_assignment() -> None:
    [said] = app.build_assignments("main", [BuyerRef(identity=client_uid(PERSONAL_ID))], OTHER, "twice in Balance")
    assert (said.client, said.why, bool(said.asked_by)) == (OTHER, "twice in Balance", True)
    assert told(*sold(), said).find(OTHER).assignments == [said]
    assert PERSONAL_ID not in said.model_dump_json()
