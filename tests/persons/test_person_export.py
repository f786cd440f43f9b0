"""`davtari person export`: everything that is held about one person, and nothing of anybody else."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contracts.clients import ClientAssigned, Contacts, ContactSettled, ContactsMerged, ContactsOfBoth
from contracts.envelope import Envelope, wrap
from contracts.ledger import ClientRecorded
from contracts.model import Event
from contracts.privacy import PersonKeyMade
from contracts.shop import Address, OrderChanged, Person
from services.cli.person.app import describe_held
from services.cli.person.held import collect_held
from services.cli.person.related import find_related
from tests.forgetting.requests import buyer_with_id
from tests.support.exporting import SHOP, given_back, line, order, recorded_sale, refund, settings
from tests.support.memory_state import NOON

pytestmark = pytest.mark.claim("I19")
MINE = order(line(1, "60.00"), person=buyer_with_id())
CLIENT = "77777777-0000-4000-8000-000000000002"


def of_another(order_id: int, ref: str, shop: str = SHOP, customer_id: int = 0, **person: object) -> OrderChanged:
    """An order of somebody else, by these data."""
    about = {"order_id": order_id, "shop": shop, "person_ref": ref, "customer_id": customer_id}
    return MINE.model_copy(update=about | {"person": Person.model_validate({"person_ref": ref, **person})})


def envelopes(*events: Event) -> list[Envelope[Event]]:
    return [
        wrap(event, version=number, source="/tests", time=NOON + timedelta(seconds=number))
        for number, event in enumerate(events, start=1)
    ]


def merged(ref: str, phone: str, order_id: int) -> ContactsMerged:
    both = ContactsOfBoth(person_ref=ref, balance=Contacts(phone=phone))
    return ContactsMerged(
        shop=SHOP, order_id=order_id, client=CLIENT, person_ref=ref, order_at=NOON, fields=("phone",), person=both,
        merged_at=NOON,
    )  # fmt: skip


EVENTS: list[Event] = [
    MINE,
    of_another(1050, "p-2", email="other@example.test", billing=Address(first_name="Giorgi")),
    ClientRecorded(
        shop=SHOP,
        order_id=1042,
        person_ref="p-1",
        client=CLIENT,
        code="17",
        identity="i-1",
        how="found",
        recorded_at=NOON,
    ),
    recorded_sale(MINE, settings()),
    refund("15.00", given_back(1, "15.00", quantity="1"), person=buyer_with_id(comment="too small")),
    merged("p-1", "322 12 34 56", 1042),
    merged("p-2", "599 99 99 99", 1050),  # somebody else of the same company
    PersonKeyMade(person_ref="p-1", service="store-feed", kid="k-1", key_base64url="A" * 43, made_at=NOON, binds=True),
    ContactSettled(
        command_id="c-1", asked_by="nino", asked_at=NOON, shop=SHOP, client=CLIENT, field="phone", take="shop", why="x"
    ),
    ClientAssigned(
        command_id="c-2", asked_by="nino", asked_at=NOON, shop=SHOP, person_ref="p-1", client=CLIENT, why="x"
    ),
]


def test_everything_about_the_person_is_exported_and_nothing_of_others() -> None:
    found = collect_held({"p-1"}, envelopes(*EVENTS)).to_dict()
    types = [each["type"].split(".")[1] for each in found["events"]]
    assert sorted(types) == sorted(
        ["OrderChanged", "ClientRecorded", "SaleRecorded", "RefundIssued", "ContactsMerged", "ContactSettled",
         "ClientAssigned"]
    )  # fmt: skip
    assert found["facts"]["email"] == ["nino@example.test"]
    assert found["facts"]["balance.phone"] == ["322 12 34 56"]
    assert "too small" in found["facts"]["comment"]
    assert (found["clients"], found["documents"], found["keys"]) == (
        [{"uid": CLIENT, "code": "17"}], {"Sale": 1}, ["p-1:store-feed"],
    )  # fmt: skip
    assert not [word for word in ("Giorgi", "other@", "599 99", "A" * 43) if word in str(found)]


def test_the_readable_form_names_facts_orders_documents_and_what_is_not_here() -> None:
    held = collect_held({"p-1"}, envelopes(*EVENTS))
    text = "\n".join(describe_held(held, find_related({"p-1"}, envelopes(*EVENTS))))
    for part in (
        "email: nino@example.test",
        f"{SHOP}:1042",
        "client 17",
        "1 × Sale",
        "shop.refunds: 1",
        "Balance: the",
    ):
        assert part in text


def test_of_a_forgotten_person_nothing_is_readable() -> None:
    sealed = MINE.model_copy(update={"person": None, "sealed": "x"})
    text = "\n".join(describe_held(collect_held({"p-1"}, envelopes(sealed)), []))
    assert "Nothing about this person is readable" in text
    assert f"{SHOP}:1042" in text


RELATED = {
    "an account with the same e-mail": (of_another(1, "p-2", customer_id=9, email="NINO@example.test "), {"e-mail"}),
    "a guest elsewhere with the same number": (
        of_another(1, "p-2", "b2b", personal_id="99001012345"),
        {"number"},
    ),
    "the same phone in another spelling": (of_another(1, "p-2", phone="(599) 00-00-01"), {"phone"}),
    "somebody else": (of_another(1, "p-2", email="other@example.test", phone="599000002"), None),
    "an account of the same shop": (of_another(1, "p-2", customer_id=MINE.customer_id), {"account"}),
    "an account with the same id in another shop": (of_another(1, "p-2", "b2b", customer_id=MINE.customer_id), None),
    "another order that was erased in the shop": (of_another(1, "p-2", email="deleted@site.invalid"), None),
    "a person without data": (of_another(1, "p-2"), None),
}


@pytest.mark.parametrize(("other", "shared"), RELATED.values(), ids=RELATED.keys())
def test_related_orders_share_an_account_number_email_or_phone(other: OrderChanged, shared: set[str] | None) -> None:
    mine = MINE.model_copy(update={"customer_id": MINE.customer_id or 7})
    other = other.model_copy(update={"customer_id": 7}) if shared == {"account"} else other
    erased = of_another(3, "p-1", email="deleted@site.invalid")
    found = find_related({"p-1"}, envelopes(mine, erased, other))
    names = {name.removeprefix("personal ") for one in found for name in one.shared}
    assert names == (shared or set())
    assert [one.orders for one in found] == ([{other.key}] if shared else [])
