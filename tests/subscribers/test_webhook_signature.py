"""What the webhook bridge posts: a signed CloudEvent that any receiver of Standard Webhooks can check."""

from __future__ import annotations

import base64

import pytest

from contracts.envelope import headers, value
from contracts.shop import OrderChanged
from ops.examples.webhook_bridge.cloud_event import cloud_event, without_person
from ops.examples.webhook_bridge.webhook import secret, signature
from tests.subscribers.story import order, sample_of, wrap_event


def test_the_signature_is_what_the_reference_library_of_standard_webhooks_makes() -> None:
    key = secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = '{"type":"davtari.SaleRecorded.v1","data":{"name":"შავი ჩაი"}}'.encode()
    made = signature(key, "7e55f280-70a4-5c18-b673-1062b4bbb19f", 1795168987, body)
    assert made == "v1,ZDtPUDY9it7udmnOFTEoU/hBZ4XcAK4pEeh4Wyc32/A="


@pytest.mark.parametrize("text", ["", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_not base64", "whsec_YQ="])
def test_a_secret_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"begins with|base64|padding"):
        secret(text)


def test_a_record_becomes_one_object() -> None:
    envelope = wrap_event(order(17), version=3)
    event = cloud_event(headers(envelope), value(envelope))
    assert event is not None
    assert (event["id"], event["type"], event["sequence"]) == (envelope.id, "davtari.OrderChanged.v1", "3")
    assert (event["datacontenttype"], event["partitionkey"]) == ("application/json", "main:17")
    assert event["data"] == envelope.data.content()


@pytest.mark.parametrize(
    ("marks", "body"),
    [
        ([], b"{}"),
        ([("ce_id", b"1"), ("ce_type", None), ("ce_source", b"s")], b"{}"),
        (headers(wrap_event(order(1))), None),
    ],
)
def test_a_record_without_an_event_is_none(marks: list[tuple[str, bytes | None]], body: bytes | None) -> None:
    assert cloud_event(marks, body) is None


def test_personal_data_can_be_left_out() -> None:
    envelope = wrap_event(order(17))
    event = cloud_event(headers(envelope), value(envelope))
    assert event is not None
    person = sample_of(OrderChanged).person
    assert person is not None
    assert person.email in str(event)
    left = without_person(event)
    assert person.email not in str(left)
    assert OrderChanged.model_validate(left["data"]).total == envelope.data.total


def test_the_key_of_the_tests_is_a_real_one() -> None:
    assert len(base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")) == 24
