"""Which orders speak for their buyers' contacts, and what stays quiet."""

from __future__ import annotations

from typing import Any

from contracts.clients import ClientAssigned
from contracts.shop import OrderChanged
from services.cli.orders.timeline import build_timeline
from services.engine.outbox.lane import Row
from services.engine.outbox.outcome import Refused, Retry
from services.engine.outbox.upstream_errors import Unavailable
from services.order_exporter.contact_delivery import deliver_contacts
from services.order_exporter.contact_merges import conflict_news, contact_lane
from tests.cli.client_events import enveloped
from tests.cli.clients_bench import both
from tests.order_exporter.contacts_bench import (
    CLIENT,
    OURS,
    THEIRS,
    booked,
    client,
    delivered,
    exporter,
    merged,
    merges,
    ordered,
    using,
)
from tests.order_exporter.export_bench import bought, client_recorded, consumer
from tests.support.exporting import KEY, PERSONAL_ID, buyer, link, recorded_sale, settings
from tests.support.memory_state import NOON


def test_only_the_newest_order_of_a_buyer_speaks_and_only_once_it_is_booked() -> None:
    made = exporter(phone="shop")
    booked(made, ordered(1042), ordered(1044), ordered(1043))
    assert [len(merges(made, f"main:{each}")) for each in (1042, 1043, 1044)] == [0, 0, 1]
    made.take(ordered(1045))
    assert merges(made, "main:1045") == []


def test_an_order_that_nobody_has_committed_to_does_not_silence_the_one_before() -> None:
    made = exporter(phone="shop")
    booked(made, ordered(1042))
    made.take(ordered(1043, status="pending", paid_at=None))
    made.take(ordered(1042))
    assert len(merges(made)) == 1


def test_the_retail_client_and_a_dry_run_have_no_contacts_to_merge() -> None:
    made = exporter(phone="shop")
    booked(made, order_without_number())
    assert merges(made) == []
    dry = consumer(settings("dry-run", clients={"contacts": {"phone": "shop"}}))
    booked(dry, link(311), client_recorded(client=CLIENT), ordered())
    assert merges(dry) == []


def order_without_number() -> OrderChanged:
    return bought(person=buyer())


def test_nothing_of_a_buyer_is_written_before_the_sale_is_recorded() -> None:
    made = exporter(phone="shop")
    of = ordered()
    made.take(of)
    assert merges(made) == []
    made.take(recorded_sale(of, using()))
    assert [each.kind for each in made.decisions[KEY].deliveries] == ["contacts"]


def test_the_contacts_of_a_merged_identity_are_those_of_its_client() -> None:
    made = exporter(phone="shop")
    word = {"command_id": "c-2", "asked_by": "nana", "asked_at": NOON, "why": "twice", "shop": "main"}
    booked(made, ordered(), ClientAssigned.model_validate(word | {"identity": CLIENT, "client": "other"}))
    assert merges(made)[0].payload["client"] == "other"


async def test_a_lost_database_merges_nothing_again() -> None:
    async with both() as world:
        client(world, Phone=THEIRS)
        made = exporter(phone="ask")
        booked(made, ordered())
        events = await merged(world, made)
        rebuilt = consumer(using(phone="ask"))
        booked(rebuilt, *reversed(events), ordered(), client_recorded(client=CLIENT), link(311))
        assert merges(rebuilt) == []
        assert conflict_news(events[0], rebuilt.state) == ()  # type: ignore[arg-type]


async def test_a_client_that_is_gone_ends_with_a_person_and_a_shop_that_is_away_with_a_wait() -> None:
    async with both() as world:
        made = exporter(phone="shop")
        booked(made, ordered())
        assert isinstance(await delivered(world, made), Refused)

    class Away:
        async def customer(self, _: int) -> None:
            raise Unavailable("down")

        async def update_customer(self, _: int, __: Any) -> Any:
            raise Unavailable("down")

    async with both() as world:
        client(world)
        booked(made, ordered(customer_id=7))
        [one] = merges(made)
        row = Row(one.id, one.kind, one.lane, one.key, KEY, one.payload)
        [outcome] = await deliver_contacts(world.balance, Away(), lambda: NOON)([row])
        assert (outcome, one.lane) == (Retry("down", None), contact_lane("main"))


def test_personal_data_is_only_in_person() -> None:
    made = exporter(phone="shop", email="shop", address="shop")
    booked(made, ordered())
    [one] = merges(made)
    outside = {name: part for name, part in one.payload.items() if name != "person"}
    assert not any(text in str(outside) for text in (OURS, "nino@", "ნიმუშის", PERSONAL_ID))


async def test_the_passport_of_an_order_shows_the_merge_of_its_buyers_contacts() -> None:
    async with both() as world:
        client(world, Phone=THEIRS)
        made = exporter(phone="ask", address="shop")
        booked(made, ordered())
        timeline = build_timeline(KEY, [enveloped(each, 1) for each in await merged(world, made)])
        assert timeline
        assert {entry.what for entry in timeline.entries} == {
            "contacts changed in both shop and Balance: phone (a person decides)",
            f"contacts of client {CLIENT} compared: address to Balance",
        }
