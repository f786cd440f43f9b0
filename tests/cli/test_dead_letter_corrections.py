"""Correcting a dead letter: what may be changed, what is checked, and what is sent."""

from __future__ import annotations

from datetime import date
from typing import Any

import orjson
import pytest

from contracts.envelope import correction_id, headers, value
from contracts.operations import DeadLettered
from services.cli.command import InvalidArgument
from services.cli.dead_letter_log import DeadLetter
from services.cli.dead_letters.correction import PAYLOAD_MODELS, build_correction, editable_document
from services.cli.dead_letters.edit_check import EditContext
from services.cli.dead_letters.pointers import find_differences, set_value
from services.cli.dead_letters.records import MASK, mask_person
from services.cli.dead_letters.selection import find_same_record
from services.engine.kafka.record import restore_record, to_failed_record
from services.engine.outbox.dead_letters import dead_letter_of_delivery
from services.engine.outbox.decision import Delivery
from services.engine.person_ids import personal_digest
from tests.cli.dead_letter_events import dead_letters, failed_delivery, failed_record, settled
from tests.outbox.sample_service import envelope as feed_envelope
from tests.outbox.sample_service import record_of, stock
from tests.support import exporting

pytestmark = pytest.mark.claim("S1.18")
KNOWN = EditContext(today=date(2026, 11, 30))
CLIENT = {"shop": "main", "order_id": 998, "person_ref": "p1", "identity": "i1", "create": True, "retail": None}


def refused_client() -> DeadLetter:
    """The dead letter of a client that Balance refused."""
    event = failed_delivery(1, payload=CLIENT, person={"ID": "0100", "Name": "Nino"}, person_ref="p1")
    assert event.delivery is not None
    changed = event.delivery.model_copy(update={"kind": "client", "delivery_id": "client:main:998"})
    (one,) = dead_letters(event.model_copy(update={"delivery": changed, "about": "client:main:998"}))
    return one


def test_values_are_set_by_pointer_and_read_as_json_or_text() -> None:
    before: dict[str, Any] = {"a": [{"b/c": 1}], "d": "x"}
    after = set_value(set_value(before, "/a/0/b~1c=2.5"), "/d=Sale of today")
    assert after == {"a": [{"b/c": 2.5}], "d": "Sale of today"}
    assert list(find_differences(before, after)) == ["/a/0/b~1c", "/d"]
    assert before["d"] == "x"


@pytest.mark.parametrize("assignment", ["a=1", "/a", "/a/7/b=1", "/a/x=1", "/d/e=1", "/no/where=1"])
def test_an_invalid_pointer_is_refused(assignment: str) -> None:
    with pytest.raises(InvalidArgument, match="--set"):
        set_value({"a": [{"b": 1}], "d": "x"}, assignment)


def test_a_sale_without_personal_data_can_be_corrected() -> None:
    bought = exporting.order(exporting.line(1, "20.00"))
    payload = exporting.sale_task(bought, exporting.settings()).model_dump(mode="json")
    sale = Delivery("sale:main:1042", "sale", "balance.documents", exporting.KEY, payload)
    reason = ("balance.period-closed", "closed", personal_digest(payload), exporting.PAID)
    refused = dead_letter_of_delivery("order-exporter", exporting.KEY, sale, *reason)
    (one,) = dead_letters(DeadLettered.model_validate_json(refused.model_dump_json()))
    made = build_correction(
        one, set_value(editable_document(one), "/document/Date=2026-03-03T00:00:00"), "posting date", (), KNOWN
    )
    assert (payload["person"], made.changed) == (None, ("/date", "/document/Date"))


def test_personal_data_of_a_correction_is_sent_separately() -> None:
    one = refused_client()
    right = set_value(editable_document(one), "/person/ID=12345678901")
    made = build_correction(one, right, "a typo", (), KNOWN)
    (command,) = made.commands
    assert (command.person, command.person_ref) == ({"ID": "12345678901", "Name": "Nino"}, "p1")
    assert (command.changed, command.why, made.event) == (("/person/ID",), "a typo", None)
    assert "person" not in command.payload
    assert command.replacement == f"client:main:998~{command.command_id[:8]}"


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("/create=perhaps", "/create"),
        ("/sohp=main", "/sohp is not a known field"),
        ("/person/Nmae=Nino", "/person/Nmae is not a known field"),
        ("/shop=main", "Nothing was changed"),
    ],
)
def test_an_invalid_correction_is_not_sent(assignment: str, message: str) -> None:
    one = refused_client()
    with pytest.raises(InvalidArgument, match=message):
        build_correction(one, set_value(editable_document(one), assignment), "a typo", (), KNOWN)


def test_what_was_never_sent_or_is_closed_cannot_be_edited() -> None:
    refusal = failed_delivery(1).model_copy(update={"digest": "of its reason"})
    for found in (
        dead_letters(refusal),
        dead_letters(failed_delivery(2, blocked_on="link")),
        dead_letters(failed_delivery(3), settled(failed_delivery(3))),
    ):
        with pytest.raises(InvalidArgument, match=r"never sent|is closed"):
            editable_document(found[0])


def broken_record(topic: str = "davtari.balance.stock") -> DeadLettered:
    """The dead letter of a stock event whose warehouse is not text."""
    sound = record_of(feed_envelope(stock("a"), 4))
    body = orjson.loads(sound.value or b"")
    body["rows"][0]["warehouse"] = 7
    event = failed_record(9, topic=topic)
    held = to_failed_record(sound).model_copy(
        update={"topic": topic, "value": failed_record(9, orjson.dumps(body)).record.value}
    )  # type: ignore[union-attr]
    return event.model_copy(update={"record": held, "dead_letter": "00000009-dead-letter"})


def test_a_corrected_record_has_a_new_id_and_the_same_version() -> None:
    (one,) = dead_letters(broken_record())
    made = build_correction(one, set_value(editable_document(one), '/data/rows/0/warehouse="w1"'), "a typo", (), KNOWN)
    assert made.event is not None
    event = made.event
    assert (event.subject, event.sequence, event.replayof) == ("a", 4, "00000009-dead-letter")
    assert event.id == correction_id(event.type, "a", 4, "00000009-dead-letter") != restored_id(one)
    assert dict(headers(event))["ce_replayof"] == b"00000009-dead-letter"
    assert orjson.loads(value(event))["rows"][0]["warehouse"] == "w1"
    assert made.commands[0].replacement == event.id
    # and the same correction is the same event, so sending it twice is harmless
    again = build_correction(one, set_value(editable_document(one), '/data/rows/0/warehouse="w1"'), "a typo", (), KNOWN)
    assert again.event is not None
    assert again.event.id == event.id


def restored_id(one: DeadLetter) -> str:
    assert one.event.record is not None
    return dict(restore_record(one.event.record).headers)["ce_id"].decode()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("/data/rows/0/warehouse=8", "still invalid"),
        ("/headers/ce_sequence=none", "still invalid"),
        ("/headers/ce_type=davtari.PriceChanged.v1", "still invalid"),
        ("/headers/ce_subject=b", "ce_subject"),
    ],
)
def test_a_record_that_is_still_invalid_is_not_published(assignment: str, message: str) -> None:
    (one,) = dead_letters(broken_record())
    right = (
        editable_document(one)
        if "rows" in assignment
        else set_value(editable_document(one), '/data/rows/0/warehouse="w1"')
    )
    with pytest.raises(InvalidArgument, match=message):
        build_correction(one, set_value(right, assignment), "a typo", (), KNOWN)


def test_the_dead_letters_of_all_services_for_a_record_are_found() -> None:
    event = broken_record()
    other = event.model_copy(update={"dead_letter": "00000010-dead-letter", "service": "balance-feed"})
    elsewhere = failed_record(11, topic="davtari.balance.prices")
    found = dead_letters(event, other, elsewhere, failed_delivery(12))
    assert [one.id for one in find_same_record(found[0], found)] == ["00000010"]


def test_personal_data_is_masked_below_every_person() -> None:
    data = {"a": [{"person": {"name": "Nino", "phones": ["5"], "none": None}}], "person": None, "total": "1"}
    assert mask_person(data) == {
        "a": [{"person": {"name": MASK, "phones": [MASK], "none": None}}],
        "person": None,
        "total": "1",
    }


def test_every_kind_of_delivery_has_a_payload_model() -> None:
    assert PAYLOAD_MODELS.keys() == {
        *("sale", "client", "contacts", "credit-note", "receipt", "sales-order", "note", "status"),
        *("product.write", "product.plan", "stock.write", "order.read"),
    }
