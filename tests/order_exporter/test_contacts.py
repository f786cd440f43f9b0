"""Contacts of buyers and clients: off by default, merged with each new order; conflicts end by policy or person."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from contracts.clients import ClientAssigned, ContactConflict, ContactsConflicted, ContactSettled, ContactsMerged
from contracts.model import Event
from contracts.shop import OrderChanged
from services.commands.clients import conflicts
from services.commands.clients.known import known
from services.commands.passport import passport
from services.order_exporter.contact_delivery import deliver_contacts
from services.order_exporter.contacts import conflict_news, lane
from services.sandbox.woocommerce.customers import Customers
from services.shared.delivery.decision import Delivery
from services.shared.delivery.outcome import Done, Outcome, Refused, Retry
from services.shared.delivery.row import Row
from services.shared.documents.uids import client_uid
from services.shared.settings.model import Settings
from services.shared.upstream.errors import Unavailable
from tests.commands.clients_bench import Both, both
from tests.commands.test_merging_clients import _enveloped as enveloped
from tests.order_exporter.export_bench import bought, client_recorded, consumer
from tests.support.exporting import KEY, PERSONAL_ID, PLACED, buyer, link, recorded_sale, settings
from tests.support.memory_state import NOON, Consumer

CLIENT = client_uid(PERSONAL_ID)
OURS, THEIRS, LATER = "+995599000001", "+995322000002", "+995599000009"


def using(**policies: str) -> Settings:
    return settings(clients={"contacts": policies})


def exporter(**policies: str) -> Consumer:
    """An exporter with these policies that knows the buyer's client."""
    made = consumer(using(**policies))
    made.take(link(311), client_recorded(client=CLIENT))
    return made


def merges(made: Consumer, key: str = KEY) -> list[Delivery]:
    return [each for each in made.decisions[key].deliveries if each.kind == "contacts"]


def ordered(order_id: int = 1042, **fields: Any) -> OrderChanged:
    days = timedelta(days=order_id - 1042)
    phone = fields.pop("phone", OURS)
    who = buyer(personal_id=PERSONAL_ID, phone=phone)
    return bought(order_id=order_id, number=str(order_id), created_at=PLACED + days, person=who, **fields)


async def delivered(world: Both, made: Consumer, key: str = KEY) -> Outcome:
    """One attempt at the merge of an order."""
    [one] = merges(made, key)
    row = Row(one.id, one.kind, one.lane, one.key, key, one.payload)
    [outcome] = await deliver_contacts(world.balance, world.shop, lambda: NOON)([row])
    return outcome


async def merged(world: Both, made: Consumer, key: str = KEY) -> list[Event]:
    """The merge of an order, done and remembered; gives what was announced."""
    outcome = await delivered(world, made, key)
    assert isinstance(outcome, Done)
    told = [each for event in outcome.events for each in news(made, event)]
    made.take(*told)
    assert merges(made, key) == []
    return told


def news(made: Consumer, event: Event) -> Sequence[Event]:
    rule: Callable[[Any, Any], Sequence[Event]] | None = made.handlers.news.get(type(event))
    return rule(event, made.state) if rule else [event]


def client(world: Both, **fields: Any) -> dict[str, Any]:
    """The client in Balance, made or changed by hand."""
    known_ = world.books.clients.get(CLIENT) or {"uid": CLIENT, "ID": PERSONAL_ID, "Name": "by hand"}
    world.client(**known_ | fields)
    return world.books.clients.get(CLIENT) or {}


@pytest.mark.claim("S3.31", "S4.2")
def test_by_default_a_known_client_is_left_alone() -> None:
    made = exporter()
    made.take(ordered())
    assert [each.kind for each in made.decisions[KEY].deliveries] == ["sale"]


@pytest.mark.claim("S4.9", "S4.11")
async def test_what_the_buyer_changed_goes_to_balance_with_the_order_and_no_other_field() -> None:
    async with both() as world:
        before = client(world, Phone=OURS, Email="keep@example.test")
        made = exporter(phone="balance")
        made.take(ordered())
        await merged(world, made)
        made.take(ordered(1043, phone=LATER))
        [told] = await merged(world, made, "main:1043")
        assert isinstance(told, ContactsMerged)
        assert told.to_balance == ("phone",)
        assert world.books.clients.get(CLIENT) == before | {"Phone": LATER}


@pytest.mark.claim("S4.2", "S4.11")
async def test_what_the_accountant_changed_goes_to_the_account_in_the_shop() -> None:
    async with both() as world:
        address = {"phone": OURS, "email": "nino@example.test", "city": "თბილისი"}
        account = world.account("nino@example.test", billing=address)
        client(world, Phone=OURS)
        made = exporter(phone="shop")
        made.take(ordered(customer_id=account))
        await merged(world, made)
        client(world, Phone=THEIRS)
        made.take(ordered(1043, customer_id=account))
        [told] = await merged(world, made, "main:1043")
        assert isinstance(told, ContactsMerged)
        assert told.to_shop == ("phone",)
        kept = world.store.customers[account]
        assert kept["billing"] == kept["billing"] | address | {"phone": THEIRS}
        assert kept["email"] == "nino@example.test"


@pytest.mark.claim("S4.12")
@pytest.mark.parametrize(("policy", "phone"), [("balance", THEIRS), ("shop", LATER)])
async def test_where_both_changed_the_policy_wins_and_the_conflict_is_told(policy: str, phone: str) -> None:
    async with both() as world:
        account = world.account("nino@example.test", billing={"phone": OURS})
        client(world, Phone=OURS)
        made = exporter(phone=policy)
        made.take(ordered(customer_id=account))
        await merged(world, made)
        client(world, Phone=THEIRS)
        Customers(world.store).update(account, {"billing": {"phone": LATER}}, strict=True)
        made.take(ordered(1043, customer_id=account, phone=LATER))
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
        made.take(ordered(1043, phone=LATER))
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
        made.take(ordered(customer_id=account, phone=LATER))
        told = await merged(world, made)
        assert client(world)["Phone"] == THEIRS
        [waits] = conflicts.waiting(known("main", [enveloped(each, 1) for each in told]))
        assert (waits.field, waits.balance, waits.shop) == ("phone", THEIRS, LATER)
        said = {"command_id": "c-1", "asked_by": "nana", "asked_at": NOON, "shop": "main", "client": CLIENT, "why": ""}
        word = ContactSettled.model_validate(said | {"field": "phone", "take": take})
        made.take(word)
        settled = await merged(world, made)
        assert client(world)["Phone"] == world.store.customers[account]["billing"]["phone"] == phone
        assert conflicts.waiting(known("main", [enveloped(each, 1) for each in (*told, word, *settled)])) == []


async def test_an_open_conflict_is_told_once_and_waits_through_further_orders() -> None:
    async with both() as world:
        client(world, Phone=THEIRS)
        made = exporter(phone="ask")
        made.take(ordered())
        assert [type(each) for each in await merged(world, made)] == [ContactsConflicted, ContactsMerged]
        made.take(ordered(1043))
        assert [type(each) for each in await merged(world, made, "main:1043")] == [ContactsMerged]
        made.take(ordered(1044, phone=LATER))
        assert [type(each) for each in await merged(world, made, "main:1044")] == [ContactsConflicted, ContactsMerged]
        assert client(world)["Phone"] == THEIRS


async def test_an_address_goes_to_balance_only_and_one_changed_there_stays() -> None:
    async with both() as world:
        client(world)
        made = exporter(address="shop")
        made.take(ordered())
        await merged(world, made)
        assert client(world)["PhysicalAddress"] == "ნიმუშის ქ. 3, თბილისი, GE"
        client(world, PhysicalAddress="სხვა ქ. 5")
        made.take(ordered(1043))
        [told] = await merged(world, made, "main:1043")
        assert isinstance(told, ContactsMerged)
        assert (told.to_shop, client(world)["PhysicalAddress"]) == ((), "სხვა ქ. 5")
        made.take(ordered(1044))
        await merged(world, made, "main:1044")
        assert client(world)["PhysicalAddress"] == "სხვა ქ. 5"


async def test_an_account_deleted_in_the_shop_empties_nothing_in_balance() -> None:
    async with both() as world:
        before = client(world, Phone=OURS)
        made = exporter(phone="shop", email="shop")
        made.take(ordered(customer_id=77, phone=""))
        await merged(world, made)
        assert client(world)["Phone"] == before["Phone"]


def test_only_the_newest_order_of_a_buyer_speaks_and_only_when_it_is_due() -> None:
    made = exporter(phone="shop")
    made.take(ordered(1042), ordered(1044), ordered(1043))
    assert [len(merges(made, f"main:{each}")) for each in (1042, 1043, 1044)] == [0, 0, 1]
    made.take(ordered(1045, status="pending", paid_at=None))
    assert merges(made, "main:1045") == []
    made.take(ordered(1046, status="on-hold", paid_at=None))
    assert merges(made, "main:1046") == []


def test_the_retail_client_and_a_dry_run_have_no_contacts_to_merge() -> None:
    made = exporter(phone="shop")
    made.take(order_without_number())
    assert merges(made) == []
    dry = consumer(settings("dry-run", clients={"contacts": {"phone": "shop"}}))
    dry.take(link(311), client_recorded(client=CLIENT), ordered())
    assert merges(dry) == []


def order_without_number() -> OrderChanged:
    return bought(person=buyer())


def test_a_merge_waits_for_its_client_and_outlives_its_sale() -> None:
    made = consumer(using(phone="shop"))
    of = ordered()
    made.take(link(311), of)
    assert merges(made) == []
    made.take(client_recorded(client=CLIENT))
    assert len(merges(made)) == 1
    made.take(recorded_sale(of, using()))
    assert [each.kind for each in made.decisions[KEY].deliveries] == ["contacts"]


def test_the_contacts_of_a_merged_identity_are_those_of_its_client() -> None:
    made = exporter(phone="shop")
    word = {"command_id": "c-2", "asked_by": "nana", "asked_at": NOON, "why": "twice", "shop": "main"}
    made.take(ordered(), ClientAssigned.model_validate(word | {"identity": CLIENT, "client": "other"}))
    assert merges(made)[0].payload["client"] == "other"


async def test_a_lost_database_merges_nothing_again() -> None:
    async with both() as world:
        client(world, Phone=THEIRS)
        made = exporter(phone="ask")
        made.take(ordered())
        told = await merged(world, made)
        rebuilt = consumer(using(phone="ask"))
        rebuilt.take(*reversed(told), ordered(), client_recorded(client=CLIENT), link(311))
        assert merges(rebuilt) == []
        assert conflict_news(told[0], rebuilt.state) == ()  # type: ignore[arg-type]


async def test_a_client_that_is_gone_ends_with_a_person_and_a_shop_that_is_away_with_a_wait() -> None:
    async with both() as world:
        made = exporter(phone="shop")
        made.take(ordered())
        assert isinstance(await delivered(world, made), Refused)

    class Away:
        async def customer(self, _: int) -> None:
            raise Unavailable("down")

        async def update_customer(self, _: int, __: Any) -> Any:
            raise Unavailable("down")

    async with both() as world:
        client(world)
        made.take(ordered(customer_id=7))
        [one] = merges(made)
        row = Row(one.id, one.kind, one.lane, one.key, KEY, one.payload)
        [outcome] = await deliver_contacts(world.balance, Away(), lambda: NOON)([row])
        assert (outcome, one.lane) == (Retry("down", None), lane("main"))


def test_nothing_personal_stands_outside_of_person() -> None:
    made = exporter(phone="shop", email="shop", address="shop")
    made.take(ordered())
    [one] = merges(made)
    outside = {name: part for name, part in one.payload.items() if name != "person"}
    assert not any(text in str(outside) for text in (OURS, "nino@", "ნიმუშის", PERSONAL_ID))


async def test_an_order_tells_in_its_passport_what_became_of_its_buyers_contacts() -> None:
    async with both() as world:
        client(world, Phone=THEIRS)
        made = exporter(phone="ask", address="shop")
        made.take(ordered())
        told = passport(KEY, [enveloped(each, 1) for each in await merged(world, made)])
        assert told
        assert {entry.what for entry in told.entries} == {
            "contacts that shop and Balance both changed: phone (a person is asked); davtari clients conflicts main",
            f"contacts of client {CLIENT} compared: address to Balance",
        }
