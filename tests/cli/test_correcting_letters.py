"""Putting a dead letter right: what may be changed, what is checked, and what is sent."""

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
from services.engine.outbox.dead_letters import dead_letter_of_delivery, digest_of
from services.engine.outbox.decision import Delivery
from tests.cli.letters_given import closed, delivery, letters, record
from tests.outbox.shelf import envelope as told_by_feed
from tests.outbox.shelf import of_envelope, stock
from tests.support import exporting

pytestmark = pytest.mark.claim("S1.18")
KNOWN = EditContext(today=date(2026, 11, 30))
CLIENT = {"shop": "main", "order_id": 998, "person_ref": "p1", "identity": "i1", "create": True, "retail": None}


def client_letter() -> DeadLetter:
    """A client that Balance refused, of the order-exporter."""
    told = delivery(1, payload=CLIENT, person={"ID": "0100", "Name": "Nino"}, person_ref="p1")
    assert told.delivery is not None
    changed = told.delivery.model_copy(update={"kind": "client", "delivery_id": "client:main:998"})
    (one,) = letters(told.model_copy(update={"delivery": changed, "about": "client:main:998"}))
    return one


def test_values_are_set_by_pointer_and_read_as_json_or_text() -> None:
    before: dict[str, Any] = {"a": [{"b/c": 1}], "d": "x"}
    after = set_value(set_value(before, "/a/0/b~1c=2.5"), "/d=Sale of today")
    assert after == {"a": [{"b/c": 2.5}], "d": "Sale of today"}
    assert list(find_differences(before, after)) == ["/a/0/b~1c", "/d"]
    assert before["d"] == "x"


@pytest.mark.parametrize("assignment", ["a=1", "/a", "/a/7/b=1", "/a/x=1", "/d/e=1", "/no/where=1"])
def test_a_pointer_that_leads_nowhere_is_refused(assignment: str) -> None:
    with pytest.raises(InvalidArgument, match="--set"):
        set_value({"a": [{"b": 1}], "d": "x"}, assignment)


def test_a_sale_that_says_nothing_of_a_person_is_corrected_too() -> None:
    bought = exporting.order(exporting.line(1, "20.00"))
    payload = exporting.sale_task(bought, exporting.settings()).model_dump(mode="json")
    sale = Delivery("sale:main:1042", "sale", "balance.documents", exporting.KEY, payload)
    told = ("balance.period-closed", "closed", digest_of(payload), exporting.PAID)
    refused = dead_letter_of_delivery("order-exporter", exporting.KEY, sale, *told)
    (one,) = letters(DeadLettered.model_validate_json(refused.model_dump_json()))
    made = build_correction(
        one, set_value(editable_document(one), "/document/Date=2026-03-03T00:00:00"), "posting date", (), KNOWN
    )
    assert (payload["person"], made.changed) == (None, ("/date", "/document/Date"))


def test_a_delivery_is_corrected_with_its_person_apart() -> None:
    one = client_letter()
    right = set_value(editable_document(one), "/person/ID=12345678901")
    made = build_correction(one, right, "a typo", (), KNOWN)
    (command,) = made.commands
    assert (command.person, command.person_ref) == ({"ID": "12345678901", "Name": "Nino"}, "p1")
    assert (command.changed, command.why, made.event) == (("/person/ID",), "a typo", None)
    assert "person" not in command.payload
    assert command.replacement == f"client:main:998~{command.command_id[:8]}"


@pytest.mark.parametrize(
    ("assignment", "told"),
    [
        ("/create=perhaps", "/create"),
        ("/sohp=main", "/sohp is not a known field"),
        ("/person/Nmae=Nino", "/person/Nmae is not a known field"),
        ("/shop=main", "nothing was changed"),
    ],
)
def test_what_does_not_fit_is_not_sent(assignment: str, told: str) -> None:
    one = client_letter()
    with pytest.raises(InvalidArgument, match=told):
        build_correction(one, set_value(editable_document(one), assignment), "a typo", (), KNOWN)


def test_what_was_never_sent_or_is_closed_has_nothing_to_edit() -> None:
    refusal = delivery(1).model_copy(update={"digest": "of its reason"})
    for told in (letters(refusal), letters(delivery(2, blocked_on="link")), letters(delivery(3), closed(delivery(3)))):
        with pytest.raises(InvalidArgument, match=r"never sent|not open"):
            editable_document(told[0])


def broken_record(topic: str = "davtari.balance.stock") -> DeadLettered:
    """A stock fact whose warehouse is no text."""
    sound = of_envelope(told_by_feed(stock("a"), 4))
    body = orjson.loads(sound.value or b"")
    body["rows"][0]["warehouse"] = 7
    told = record(9, topic=topic)
    held = to_failed_record(sound).model_copy(
        update={"topic": topic, "value": record(9, orjson.dumps(body)).record.value}
    )  # type: ignore[union-attr]
    return told.model_copy(update={"record": held, "dead_letter": "00000009-letter"})


def test_a_record_is_corrected_under_a_new_id_and_keeps_its_version() -> None:
    (one,) = letters(broken_record())
    made = build_correction(one, set_value(editable_document(one), '/data/rows/0/warehouse="w1"'), "a typo", (), KNOWN)
    assert made.event is not None
    event = made.event
    assert (event.subject, event.sequence, event.replayof) == ("a", 4, "00000009-letter")
    assert event.id == correction_id(event.type, "a", 4, "00000009-letter") != restored_id(one)
    assert dict(headers(event))["ce_replayof"] == b"00000009-letter"
    assert orjson.loads(value(event))["rows"][0]["warehouse"] == "w1"
    assert made.commands[0].replacement == event.id
    # and the same correction is the same event: to send it twice is harmless
    again = build_correction(one, set_value(editable_document(one), '/data/rows/0/warehouse="w1"'), "a typo", (), KNOWN)
    assert again.event is not None
    assert again.event.id == event.id


def restored_id(one: DeadLetter) -> str:
    assert one.letter.record is not None
    return dict(restore_record(one.letter.record).headers)["ce_id"].decode()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("assignment", "told"),
    [
        ("/data/rows/0/warehouse=8", "cannot be read"),
        ("/headers/ce_sequence=none", "cannot be read"),
        ("/headers/ce_type=davtari.PriceChanged.v1", "cannot be read"),
        ("/headers/ce_subject=b", "ce_subject"),
    ],
)
def test_a_record_that_is_still_wrong_is_not_published(assignment: str, told: str) -> None:
    (one,) = letters(broken_record())
    right = (
        editable_document(one)
        if "rows" in assignment
        else set_value(editable_document(one), '/data/rows/0/warehouse="w1"')
    )
    with pytest.raises(InvalidArgument, match=told):
        build_correction(one, set_value(right, assignment), "a typo", (), KNOWN)


def test_the_letters_of_all_readers_of_a_record_end_together() -> None:
    told = broken_record()
    other = told.model_copy(update={"dead_letter": "00000010-letter", "service": "balance-feed"})
    elsewhere = record(11, topic="davtari.balance.prices")
    found = letters(told, other, elsewhere, delivery(12))
    assert [one.id for one in find_same_record(found[0], found)] == ["00000010"]


def test_personal_data_is_hidden_wherever_a_person_stands() -> None:
    told = {"a": [{"person": {"name": "Nino", "phones": ["5"], "none": None}}], "person": None, "total": "1"}
    assert mask_person(told) == {
        "a": [{"person": {"name": MASK, "phones": [MASK], "none": None}}],
        "person": None,
        "total": "1",
    }


def test_every_kind_of_delivery_has_a_model_that_knows_its_payload() -> None:
    assert PAYLOAD_MODELS.keys() == {
        *("sale", "client", "contacts", "credit-note", "receipt", "sales-order", "note", "status"),
        *("product.write", "product.plan", "stock.write", "order.read"),
    }
