"""Contacts of buyers and clients: off by default, merged with each new order; conflicts end by policy or person."""

from __future__ import annotations

import pytest

from contracts.clients import ContactConflict, ContactsConflicted, ContactSettled, ContactsMerged
from services.cli.clients import view
from services.cli.clients.history import collect_clients
from services.sandbox.woocommerce.customers import Customers
from tests.cli.client_events import enveloped
from tests.cli.clients_bench import both
from tests.order_exporter.contacts_bench import (
    CLIENT,
    LATER,
    OURS,
    THEIRS,
    booked,
    client,
    exporter,
    merged,
    ordered,
)
from tests.support.exporting import KEY
from tests.support.memory_state import NOON


@pytest.mark.claim("S3.31", "S4.2")
def test_by_default_a_known_client_is_left_alone() -> None:
    made = exporter()
    made.take(ordered())
    assert [each.kind for each in made.decisions[KEY].deliveries] == ["sale"]
    booked(made, ordered())
    assert made.decisions[KEY].deliveries == ()


@pytest.mark.claim("S2.16", "S4.9", "S4.11")
async def test_what_the_buyer_changed_goes_to_balance_with_the_order_and_no_other_field() -> None:
    async with both() as world:
        before = client(world, Phone=OURS, Email="keep@example.test")
        made = exporter(phone="balance")
        booked(made, ordered())
        await merged(world, made)
        booked(made, ordered(1043, phone=LATER))
        [event] = await merged(world, made, "main:1043")
        assert isinstance(event, ContactsMerged)
        assert event.to_balance == ("phone",)
        assert world.books.clients.get(CLIENT) == before | {"Phone": LATER}


@pytest.mark.claim("S4.2", "S4.11")
async def test_what_the_accountant_changed_goes_to_the_account_in_the_shop() -> None:
    async with both() as world:
        address = {"phone": OURS, "email": "nino@example.test", "city": "თბილისი"}
        account = world.account("nino@example.test", billing=address)
        client(world, Phone=OURS)
        made = exporter(phone="shop")
        booked(made, ordered(customer_id=account))
        await merged(world, made)
        client(world, Phone=THEIRS)
        booked(made, ordered(1043, customer_id=account))
        [event] = await merged(world, made, "main:1043")
        assert isinstance(event, ContactsMerged)
        assert event.to_shop == ("phone",)
        kept = world.store.customers[account]
        assert kept["billing"] == kept["billing"] | address | {"phone": THEIRS}
        assert kept["email"] == "nino@example.test"


@pytest.mark.claim("S4.12")
@pytest.mark.parametrize(("policy", "phone"), [("balance", THEIRS), ("shop", LATER)])
async def test_where_both_changed_the_policy_wins_and_the_conflict_is_announced(policy: str, phone: str) -> None:
    async with both() as world:
        account = world.account("nino@example.test", billing={"phone": OURS})
        client(world, Phone=OURS)
        made = exporter(phone=policy)
        booked(made, ordered(customer_id=account))
        await merged(world, made)
        client(world, Phone=THEIRS)
        Customers(world.store).update(account, {"billing": {"phone": LATER}}, strict=True)
        booked(made, ordered(1043, customer_id=account, phone=LATER))
        conflict, _ = await merged(world, made, "main:1043")
        assert isinstance(conflict, ContactsConflicted)
        assert conflict.conflicts == (ContactConflict(field="phone", policy=policy, taken=policy),)
        assert conflict.person
        assert (conflict.person.shop.phone, conflict.person.balance.phone) == (LATER, THEIRS)
        assert client(world)["Phone"] == world.store.customers[account]["billing"]["phone"] == phone
        assert LATER not in conflict.model_dump_json(exclude={"person"})


@pytest.mark.claim("S4.12")
@pytest.mark.parametrize(("changed", "phone"), [("2026-03-01T10:00:00", LATER), ("2026-03-03T10:00:00", THEIRS)])
async def test_the_newest_wins_where_balance_says_when_a_client_was_changed(changed: str, phone: str) -> None:
    async with both() as world:
        client(world, Phone=THEIRS, AdditionalRequisites3=changed)
        made = exporter(phone="newest", changed_field="AdditionalRequisites3")
        booked(made, ordered(1043, phone=LATER))
        conflict, _ = await merged(world, made, "main:1043")
        assert isinstance(conflict, ContactsConflicted)
        assert conflict.conflicts[0].taken == ("shop" if phone == LATER else "balance")
        assert client(world)["Phone"] == phone


@pytest.mark.claim("S4.12")
@pytest.mark.parametrize(("take", "phone"), [("balance", THEIRS), ("shop", LATER)])
async def test_a_person_is_asked_and_settles_it(take: str, phone: str) -> None:
    async with both() as world:
        account = world.account("nino@example.test", billing={"phone": LATER})
        client(world, Phone=THEIRS)
        made = exporter(phone="ask")
        booked(made, ordered(customer_id=account, phone=LATER))
        events = await merged(world, made)
        assert client(world)["Phone"] == THEIRS
        [waits] = view.open_conflicts(collect_clients("main", [enveloped(each, 1) for each in events]))
        assert (waits.field, waits.balance, waits.shop) == ("phone", THEIRS, LATER)
        fields = {
            "command_id": "c-1",
            "asked_by": "nana",
            "asked_at": NOON,
            "shop": "main",
            "client": CLIENT,
            "why": "",
        }
        decision = ContactSettled.model_validate(fields | {"field": "phone", "take": take})
        made.take(decision)
        settled = await merged(world, made)
        assert client(world)["Phone"] == world.store.customers[account]["billing"]["phone"] == phone
        assert (
            view.open_conflicts(collect_clients("main", [enveloped(each, 1) for each in (*events, decision, *settled)]))
            == []
        )


async def test_an_open_conflict_is_announced_once_and_waits_through_further_orders() -> None:
    async with both() as world:
        client(world, Phone=THEIRS)
        made = exporter(phone="ask")
        booked(made, ordered())
        assert [type(each) for each in await merged(world, made)] == [ContactsConflicted, ContactsMerged]
        booked(made, ordered(1043))
        assert [type(each) for each in await merged(world, made, "main:1043")] == [ContactsMerged]
        booked(made, ordered(1044, phone=LATER))
        assert [type(each) for each in await merged(world, made, "main:1044")] == [ContactsConflicted, ContactsMerged]
        assert client(world)["Phone"] == THEIRS


async def test_an_address_goes_to_balance_only_and_one_changed_there_stays() -> None:
    async with both() as world:
        account = world.account("nino@example.test")
        client(world)
        made = exporter(address="shop")
        booked(made, ordered(customer_id=account))
        await merged(world, made)
        assert client(world)["PhysicalAddress"] == "ნიმუშის ქ. 3, თბილისი, GE"
        client(world, PhysicalAddress="სხვა ქ. 5")
        booked(made, ordered(1043, customer_id=account))
        [event] = await merged(world, made, "main:1043")
        assert isinstance(event, ContactsMerged)
        assert (event.to_shop, client(world)["PhysicalAddress"]) == ((), "სხვა ქ. 5")
        booked(made, ordered(1044, customer_id=account))
        await merged(world, made, "main:1044")
        assert world.store.customers[account]["billing"]["address_1"] == ""
        assert client(world)["PhysicalAddress"] == "სხვა ქ. 5"


@pytest.mark.claim("S2.16")
async def test_an_account_deleted_in_the_shop_empties_nothing_in_balance() -> None:
    async with both() as world:
        before = client(world, Phone=OURS)
        made = exporter(phone="shop", email="shop")
        booked(made, ordered(customer_id=77, phone=""))
        await merged(world, made)
        assert client(world)["Phone"] == before["Phone"]


async def test_what_an_account_lacks_its_order_says() -> None:
    async with both() as world:
        account = world.account("nino@example.test")
        client(world)
        made = exporter(phone="balance")
        booked(made, ordered(customer_id=account))
        [event] = await merged(world, made)
        assert isinstance(event, ContactsMerged)
        assert (event.to_balance, client(world)["Phone"]) == (("phone",), OURS)
