"""What earlier versions recorded under ids without a key still counts, and is never written again."""

from __future__ import annotations

from contracts.shop import OrderChanged
from services.accounting.documents.ids import former_client_uid
from services.accounting.documents.order_edits import describe_edit
from services.connectors.woocommerce.customers import former_person_ref
from services.order_exporter.tasks import ClientTask
from tests.order_exporter.export_bench import CLIENT, IDENTITY, bought, client_recorded, person, task_of
from tests.order_exporter.ladder import OTHER, assigned, ladder, looked_up, lookup_of
from tests.support.exporting import KEY, PERSONAL_ID, buyer, recorded_sale, settings

FORMER = former_client_uid(PERSONAL_ID)


def guest(order_id: int, ref: str, personal_id: str | None = None) -> OrderChanged:
    named = buyer(personal_id=personal_id).model_copy(update={"person_ref": ref})
    return bought(order_id=order_id, number=str(order_id), customer_id=0, person_ref=ref, person=named)


def test_an_order_booked_before_the_upgrade_is_no_edited_order() -> None:
    of = bought(**person())
    sale = recorded_sale(of, settings()).model_copy(update={"buyer": FORMER})
    assert describe_edit(of, sale) == ""
    assert describe_edit(of, sale.model_copy(update={"buyer": former_client_uid("01001000009")})) != ""


async def test_a_client_that_was_created_before_the_upgrade_keeps_its_uid_and_is_linked() -> None:
    exporter = ladder()
    exporter.take(bought(**person()))
    event = await looked_up(lookup_of(exporter), {"uid": FORMER, "ID": PERSONAL_ID, "Name": "ნინო"})
    assert (event.client, event.how, event.identity) == (FORMER, "found", IDENTITY)
    exporter.take(event)
    assert task_of(exporter.decisions[KEY]).client == FORMER


def test_a_buyer_assigned_before_the_upgrade_stays_assigned() -> None:
    exporter = ladder()
    exporter.take(assigned(identity=FORMER), bought(**person()))
    assert task_of(exporter.decisions[KEY]).client == OTHER
    order = guest(1043, "new-ref")
    exporter.take(assigned(person_ref=former_person_ref(order)), order)
    assert task_of(exporter.decisions["main:1043"]).client == OTHER


def test_the_last_assignment_counts_whichever_id_it_names() -> None:
    exporter = ladder()
    undone = assigned(identity=IDENTITY, client=None)
    later = undone.model_copy(update={"asked_at": undone.asked_at.replace(year=undone.asked_at.year + 1)})
    exporter.take(assigned(identity=FORMER), later, client_recorded(), bought(**person()))
    assert task_of(exporter.decisions[KEY]).client == CLIENT


def test_a_number_given_before_the_upgrade_is_known_afterwards() -> None:
    exporter = ladder(known_links=True)
    earlier = guest(1041, former_person_ref(guest(1041, "-")), PERSONAL_ID)
    exporter.take(earlier, guest(1043, "new-ref"))
    assert ClientTask.model_validate(lookup_of(exporter, "main:1043")).identity == IDENTITY
