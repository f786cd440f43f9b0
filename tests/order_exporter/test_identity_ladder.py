"""Which client an order goes to: number, a word, an earlier number, phone or e-mail, retail client; never a name."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.shop import OrderChanged, OrderRemoved
from services.accounting.documents.identity import Identity
from services.accounting.documents.ids import client_uid
from services.order_exporter.client import client_document
from services.settings.balance import ListTexts
from tests.order_exporter.export_bench import CLIENT, IDENTITY, bought, client_recorded, person, task_of
from tests.order_exporter.ladder import OTHER, TWIN, assigned, ladder, looked_up, lookup_of
from tests.support.exporting import (
    COMPANY_ID,
    KEY,
    PAID,
    PERSONAL_ID,
    RETAIL,
    buyer,
    recorded_sale,
    settings,
)


@pytest.mark.claim("S3.27", "S3.45")
async def test_a_namesake_is_never_taken_for_the_buyer() -> None:
    exporter = ladder(match_by=["phone", "email"])
    exporter.take(bought(person=buyer(phone="", email="")))
    assert task_of(exporter.decisions[KEY]).client == RETAIL
    exporter = ladder(match_by=["phone", "email"])
    exporter.take(bought(person=buyer()))
    assert (await looked_up(lookup_of(exporter), TWIN)).retail


@pytest.mark.claim("S3.27")
async def test_the_number_goes_before_phone_and_email() -> None:
    exporter = ladder(match_by=["phone", "email"], known_links=True)
    exporter.take(bought(**person()))
    task = lookup_of(exporter)
    assert (task.by, task.person["ID"]) == ("number", PERSONAL_ID)


async def test_without_a_policy_phone_and_email_count_for_nothing() -> None:
    exporter = ladder()
    exporter.take(bought(person=buyer()))
    assert task_of(exporter.decisions[KEY]).client == RETAIL


@pytest.mark.claim("S3.27", "S3.45")
@pytest.mark.parametrize(
    "client",
    [
        {"Phone": "599 00-00-01"},
        {"Phone": "00995 599 000 001", "Email": "someone@example.test"},
        {"Phones": [{"Phone": "+995599000001"}]},
        {"Email": " NINO@example.test "},
        {"Emails": [{"Email": "nino@Example.test"}]},
    ],
)
async def test_the_one_client_with_the_same_phone_or_email_is_the_buyer(client: dict[str, Any]) -> None:
    exporter = ladder(match_by=["phone", "email"])
    exporter.take(bought(person=buyer()))
    event = await looked_up(lookup_of(exporter), TWIN | client)
    exporter.take(event)
    assert (event.client, event.retail, task_of(exporter.decisions[KEY]).client) == (OTHER, False, OTHER)
    assert "nino@" not in event.model_dump_json().casefold()


@pytest.mark.claim("S3.27")
@pytest.mark.parametrize(
    "contacts",
    [({"Phone": "599000001"}, {"Phone": "+995599000001"}), ({"Phone": "599000001"}, {"Email": "nino@example.test"})],
)
async def test_several_clients_are_nobody_and_the_document_says_so(contacts: tuple[dict[str, str], ...]) -> None:
    exporter = ladder(match_by=["phone", "email"])
    exporter.take(bought(person=buyer()))
    clients = [{"uid": f"7000000{n}", "Name": "x", "ID": str(n)} | each for n, each in enumerate(contacts)]
    event = await looked_up(lookup_of(exporter), *clients)
    exporter.take(event)
    task = task_of(exporter.decisions[KEY])
    assert (task.client, event.retail) == (RETAIL, True)
    assert "2 clients of Balance have the buyer's phone or e-mail: retail client" in task.document["Comments"]


@pytest.mark.parametrize("contact", [{"Phone": "599000002"}, {"Email": "nino@example.org"}, {"Phone": "5990000"}])
async def test_a_contact_that_is_only_alike_is_another(contact: dict[str, str]) -> None:
    exporter = ladder(match_by=["phone", "email"])
    exporter.take(bought(person=buyer()))
    assert (await looked_up(lookup_of(exporter), TWIN | contact)).retail


@pytest.mark.claim("S3.45")
def test_an_earlier_number_of_the_same_account_counts_where_the_accountant_allows_it() -> None:
    for allowed, client in ((True, CLIENT), (False, RETAIL)):
        exporter = ladder(known_links=allowed)
        exporter.take(bought(**person()), client_recorded())
        exporter.take(bought(order_id=1043, number="1043", person=buyer(email="new@example.test")))
        assert task_of(exporter.decisions["main:1043"]).client == client


def test_whoever_gave_several_numbers_is_not_guessed_at() -> None:
    exporter = ladder(known_links=True)
    exporter.take(bought(**person()), client_recorded())
    exporter.take(bought(order_id=1043, number="1043", person=buyer(company_id=COMPANY_ID)))
    exporter.take(bought(order_id=1044, number="1044", person=buyer()))
    task = task_of(exporter.decisions["main:1044"])
    assert task.client == RETAIL
    assert "several numbers" in task.document["Comments"]


def test_a_number_that_was_corrected_counts_no_more() -> None:
    exporter = ladder(known_links=True)
    exporter.take(bought(person=buyer(personal_id="01001000009")))
    exporter.take(bought(**person()), client_recorded())
    exporter.take(bought(order_id=1043, number="1043", person=buyer()))
    assert task_of(exporter.decisions["main:1043"]).client == CLIENT


@pytest.mark.claim("K10")
def test_guest_account_and_changed_email_are_one_client_by_number() -> None:
    exporter = ladder()
    exporter.take(bought(**person()), client_recorded())
    exporter.take(
        order_of(1043, person_ref="p-2", customer_id=7, person=buyer(personal_id=PERSONAL_ID, email="a@b.ge"))
    )
    exporter.take(
        order_of(1044, person_ref="p-2", customer_id=7, person=buyer(personal_id=PERSONAL_ID, email="c@d.ge"))
    )
    assert {task_of(exporter.decisions[f"main:{each}"]).client for each in (1043, 1044)} == {CLIENT}


def order_of(order_id: int, **fields: Any) -> OrderChanged:
    return bought(order_id=order_id, number=str(order_id), **fields)


def test_a_merged_identity_goes_to_the_client_that_was_named() -> None:
    exporter = ladder()
    exporter.take(bought(**person()))
    assert lookup_of(exporter).identity == IDENTITY
    exporter.take(assigned(identity=IDENTITY))
    assert task_of(exporter.decisions[KEY]).client == OTHER
    exporter.take(assigned(identity=IDENTITY, client=None), client_recorded())
    assert task_of(exporter.decisions[KEY]).client == CLIENT


def test_a_merged_person_without_a_number_goes_there_too_but_a_number_belongs_to_its_owner() -> None:
    exporter = ladder()
    exporter.take(bought(person=buyer()), order_of(1043, **person()), client_recorded(order_id=1043))
    exporter.take(assigned(person_ref="p-1"))
    assert task_of(exporter.decisions[KEY]).client == OTHER
    assert task_of(exporter.decisions["main:1043"]).client == CLIENT


def test_a_word_about_a_number_reaches_the_orders_that_name_it_now() -> None:
    exporter = ladder()
    exporter.take(bought(person=buyer(personal_id="01001000009")))
    exporter.take(bought(**person()), client_recorded())
    assert exporter.take(assigned(identity=client_uid("01001000009"))) == {}
    assert task_of(exporter.take(assigned(identity=IDENTITY))[KEY]).client == OTHER


def test_a_word_holds_in_its_shop_only() -> None:
    exporter = ladder()
    exporter.take(bought(**person()), client_recorded(), assigned(identity=IDENTITY, shop="other"))
    assert task_of(exporter.decisions[KEY]).client == CLIENT


def test_a_merge_leaves_recorded_sales_alone() -> None:
    exporter, of = ladder(), bought(**person())
    exporter.take(of, client_recorded(), recorded_sale(of, settings()))
    assert exporter.take(assigned(identity=IDENTITY)) == {}
    exporter.take(of)
    assert exporter.decisions[KEY].deliveries == ()


def test_an_order_of_a_merged_identity_comes_back_the_same_after_the_loss_of_the_database() -> None:
    exporter = ladder()
    exporter.take(assigned(identity=IDENTITY), client_recorded(), bought(**person()))
    assert task_of(exporter.decisions[KEY]).client == OTHER


@pytest.mark.claim("S4.10")
async def test_balance_assigns_the_code_and_uid_and_code_are_kept() -> None:
    exporter = ladder()
    exporter.take(bought(**person()))
    row = {"uid": OTHER, "ID": PERSONAL_ID, "Name": "by hand", "Code": "000000017"}
    event = await looked_up(lookup_of(exporter), row)
    assert (event.client, event.code) == (OTHER, "000000017")
    assert "Code" not in lookup_of(exporter).person


@pytest.mark.claim("S3.26", "S4.9")
def test_a_client_is_looked_for_or_made_only_when_its_order_is_due() -> None:
    exporter = ladder()
    assert exporter.take(bought(status="pending", paid_at=None, **person()))[KEY].deliveries == ()
    wanted = exporter.take(bought(**person()))[KEY].deliveries
    assert [(each.kind, each.payload.get("create")) for each in wanted] == [("client", True), ("sale", None)]


@pytest.mark.claim("I12")
@pytest.mark.parametrize(
    ("identity", "form"),
    [
        (Identity("person", PERSONAL_ID), "ფიზიკური პირი"),
        (Identity("company", COMPANY_ID), "შეზღუდული პასუხისმგებლობის საზოგადოება"),
        (Identity("company", PERSONAL_ID), "ინდ. მეწარმე"),
    ],
)
def test_the_legal_form_follows_from_the_sort_of_number(identity: Identity, form: str) -> None:
    written = client_document(identity, bought(person=buyer()), ListTexts(sole_trader="ინდ. მეწარმე"))
    assert written["LegalForm"] == form


def test_a_sole_trader_is_a_person_to_a_balance_without_a_form_of_its_own_for_them() -> None:
    document = client_document(Identity("company", PERSONAL_ID), bought(person=buyer()), ListTexts())
    assert document["LegalForm"] == "ფიზიკური პირი"


def test_a_removed_order_adds_nothing_about_its_buyer() -> None:
    exporter = ladder(known_links=True)
    exporter.take(bought(**person()), client_recorded(), OrderRemoved(shop="main", order_id=1042, observed_at=PAID))
    exporter.take(order_of(1043, person=buyer()))
    assert task_of(exporter.decisions["main:1043"]).client == CLIENT
