"""`davtari clients`: the clients in the topics, and the buyers and target of a merge."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.clients import ClientAssigned
from services.accounting.documents.ids import client_uid
from services.cli.clients import app
from services.cli.clients.app import BuyerChoice
from services.cli.clients.history import BuyerRef, ClientNotFound
from services.cli.command import InvalidArgument
from services.connectors.woocommerce.customers import account_ref
from tests.cli.client_events import client_facts, sold
from tests.cli.clients_bench import both
from tests.order_exporter.export_bench import CLIENT, IDENTITY, bought
from tests.support.exporting import PAID, PERSONAL_ID, buyer

OTHER = "88888888-0000-4000-8000-000000000001"


def assigned(**fields: Any) -> ClientAssigned:
    common = {"command_id": "c-1", "asked_by": "nana", "asked_at": PAID, "shop": "main", "why": "twice"}
    return ClientAssigned.model_validate(common | {"identity": IDENTITY, "client": OTHER} | fields)


@pytest.mark.claim("S4.10")
def test_uid_and_code_of_a_client_are_known_with_its_sales() -> None:
    [one] = client_facts(*sold()).clients.values()
    assert (one.uid, one.code, one.how, one.orders) == (CLIENT, "000000017", "found", [1042])
    assert one.identities == {IDENTITY}
    assert client_facts(*sold()).find("000000017").uid == client_facts(*sold()).find("77777777").uid == CLIENT


def test_an_unknown_or_ambiguous_client_is_refused() -> None:
    with pytest.raises(ClientNotFound, match="0 clients match 999"):
        client_facts(*sold()).find("999")
    with pytest.raises(ClientNotFound, match="2 clients"):
        client_facts(*sold(), assigned(client=CLIENT[:-1] + "9")).find("77777777")


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
def test_the_buyer_is_found_by_each_option(whose: BuyerChoice, ref: BuyerRef) -> None:
    found = client_facts(*sold(), bought(order_id=1043, number="1043", person=buyer()))
    assert list(app.find_buyers(whose, found)) == [ref]


@pytest.mark.parametrize("whose", [BuyerChoice(), BuyerChoice(order=1042, customer=7), BuyerChoice(number="123")])
def test_exactly_one_option_names_the_buyer(whose: BuyerChoice) -> None:
    with pytest.raises(InvalidArgument):
        app.find_buyers(whose, client_facts(*sold()))


def test_an_unknown_order_is_refused() -> None:
    with pytest.raises(ClientNotFound, match="order 9"):
        app.find_buyers(BuyerChoice(order=9), client_facts(*sold()))


@pytest.mark.parametrize(("to", "why", "undo"), [("", "why", False), ("x", "why", True), ("x", " ", False)])
def test_a_merge_requires_a_client_and_a_reason(to: str, why: str, undo: bool) -> None:
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
    [assignment] = app.build_assignments(
        "main", [BuyerRef(identity=client_uid(PERSONAL_ID))], OTHER, "twice in Balance"
    )
    assert (assignment.client, assignment.why, bool(assignment.asked_by)) == (OTHER, "twice in Balance", True)
    assert client_facts(*sold(), assignment).find(OTHER).assignments == [assignment]
    assert PERSONAL_ID not in assignment.model_dump_json()
