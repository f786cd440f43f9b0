"""What cannot be read as one of our events is named by its reason code; nothing else ever escapes `decode`."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.envelope import Envelope, Undecodable, decode
from contracts.reasons import Reason
from contracts.sample import Sample, samples

ORDER: Sample = next(sample for sample in samples() if sample.name == "OrderChanged.v1")


def headers(**changed: bytes | None) -> list[tuple[str, bytes | None]]:
    """The sample's headers, some of them changed."""
    return [(name, changed.get(name.replace("-", "_"), raw)) for name, raw in ORDER.raw_headers()]


def without(*names: str) -> list[tuple[str, bytes | None]]:
    """The sample's headers, some of them missing."""
    return [(name, raw) for name, raw in ORDER.raw_headers() if name not in names]


def data(**changed: Any) -> bytes:
    """The sample's value, some of its fields changed."""
    return json.dumps(ORDER.value | changed).encode()


BAD_HEADERS = [
    ("no headers at all", []),
    ("an id that is null", headers(ce_id=None)),
    ("a subject that is not UTF-8", headers(ce_subject=b"\xff\xfe")),
    ("a trace that is not UTF-8", headers(traceparent=b"\xff")),
    ("no type", without("ce_type")),
    ("no id", without("ce_id")),
    ("no source", without("ce_source")),
    ("no subject", without("ce_subject")),
    ("no time", without("ce_time")),
    ("no version", without("ce_sequence")),
    ("a time that is none", headers(ce_time=b"yesterday")),
    ("a time without its zone", headers(ce_time=b"2026-11-20T10:00:00")),
    ("a time before the year 1 in UTC", headers(ce_time=b"0001-01-01T00:00:00+04:00")),
    ("a time that is in the year 10000 in Tbilisi", headers(ce_time=b"9999-12-31T23:59:59+00:00")),
    ("a version that is no number", headers(ce_sequence=b"third")),
    ("a version with a fraction", headers(ce_sequence=b"1.5")),
    ("a version below one", headers(ce_sequence=b"0")),
    ("a version in another script's digits", headers(ce_sequence="١٢".encode())),
    ("a version that no database holds", headers(ce_sequence=b"9" * 30)),
    ("a version of thousands of digits", headers(ce_sequence=b"9" * 5000)),
]

INVALID_DATA = [
    ("an empty value", b""),
    ("broken JSON", b'{"shop": "main", "order_id": '),
    ("bytes that are not UTF-8", b'{"shop": "\xff\xfe"}'),
    ("half of a surrogate pair", data(number="1042").replace(b'"1042"', b'"\\ud800"')),
    ("JSON nested without end", b"[" * 100_000),
    ("a list", b"[]"),
    ("null", b"null"),
    ("a missing field", json.dumps({"shop": "main"}).encode()),
    ("text for a number", data(order_id="the last one")),
    ("an order without a number", data(order_id=0)),
    ("an order number beyond 64 bits", data(order_id=2**63)),
    (
        "a number of thousands of digits",
        data(customer_id=int("9" * 400)),
    ),
    ("a shop id that no settings could hold", data(shop="Main Shop")),
    ("a list for a text", data(status=["processing"])),
    ("a total that is no number", data(total="12,50")),
    ("a total that is NaN as text", data(total="NaN")),
    ("a total that is NaN in JSON", data(total=float("nan"))),
    ("a total without end", data(total="Infinity")),
    ("an absurd total", data(total="1000000000000")),
    ("an absurd total below zero", data(total="-1e12")),
    ("a total too fine to be written out", data(total="1e-400000000")),
    ("a zero too fine to be written out", data(total="0e-400000000")),
    ("a moment without its zone", data(created_at="2026-11-20T10:00:00")),
    ("a moment before the year 1 in UTC", data(created_at="0001-01-01T00:00:00+04:00")),
]


def code_of(raw_headers: list[tuple[str, bytes | None]], raw_value: bytes | None) -> str:
    """The reason code with which the record is refused."""
    with pytest.raises(Undecodable) as refused:
        decode(raw_headers, raw_value)
    assert refused.value.detail, "a person must read what is wrong"
    return Reason(refused.value.code)


@pytest.mark.parametrize("raw_headers", [row[1] for row in BAD_HEADERS], ids=[row[0] for row in BAD_HEADERS])
def test_headers_that_are_not_cloudevents_are_refused(raw_headers: list[tuple[str, bytes | None]]) -> None:
    assert code_of(raw_headers, ORDER.raw_value()) == Reason.RECORD_BAD_HEADERS


@pytest.mark.parametrize("raw_value", [row[1] for row in INVALID_DATA], ids=[row[0] for row in INVALID_DATA])
def test_a_value_that_does_not_fit_its_type_is_refused(raw_value: bytes) -> None:
    assert code_of(headers(), raw_value) == Reason.RECORD_INVALID_DATA


@pytest.mark.parametrize("type_", ["davtari.OrderPainted.v1", "davtari.OrderChanged.v2", "OrderChanged", "", "ჩაი"])
def test_an_unknown_type_or_version_is_refused_whatever_its_value(type_: str) -> None:
    assert code_of(headers(ce_type=type_.encode()), b"\x00") == Reason.RECORD_UNKNOWN_TYPE


@pytest.mark.parametrize("raw_headers", [headers(), []], ids=["with our headers", "bare, as Kafka's tools write it"])
def test_a_tombstone_is_refused_as_one(raw_headers: list[tuple[str, bytes | None]]) -> None:
    assert code_of(raw_headers, None) == Reason.RECORD_TOMBSTONE


def test_a_value_of_another_type_is_refused() -> None:
    refund = next(sample for sample in samples() if sample.name == "RefundIssued.v1")
    assert code_of(headers(), refund.raw_value()) == Reason.RECORD_INVALID_DATA


@pytest.mark.parametrize("text", ["x", "=", "AAA", "A A=", "é", "AAAA\n"])
@pytest.mark.parametrize("place", ["key", "value", "header"])
def test_bytes_of_a_dead_letter_that_are_not_base64_are_refused(place: str, text: str) -> None:
    dead_letter = next(sample for sample in samples() if sample.value.get("record"))
    changed = {"headers": [["ce_id", text]]} if place == "header" else {place: text}
    value = dead_letter.value | {"record": dead_letter.value["record"] | changed}
    assert code_of(dead_letter.raw_headers(), json.dumps(value).encode()) == Reason.RECORD_INVALID_DATA


@pytest.mark.parametrize("day", ["2026-02-30", "2026-99-99", "0000-01-01", "٢٠٢٦-٠١-٠١"])
def test_a_payment_on_a_day_that_does_not_exist_is_refused(day: str) -> None:
    payment = next(sample for sample in samples() if sample.type == "davtari.PaymentReceived.v1")
    value = json.dumps(payment.value | {"date": day}).encode()
    assert code_of(payment.raw_headers(), value) == Reason.RECORD_INVALID_DATA


def test_faults_are_reported_by_field() -> None:
    with pytest.raises(Undecodable, match=r"field `lines\.0\.total` is not a number"):
        decode(headers(), data(lines=[ORDER.value["lines"][0] | {"total": "1.2.3"}]))


def decodes_or_is_refused(raw_headers: list[tuple[str, bytes | None]], raw_value: bytes | None) -> bool:
    """True unless something else than `Undecodable` escapes."""
    try:
        return isinstance(decode(raw_headers, raw_value), Envelope)
    except Undecodable as refused:
        return refused.code in list(Reason)


NAMES = st.sampled_from([name for name, _ in ORDER.raw_headers()]) | st.text(max_size=8)


@given(st.lists(st.tuples(NAMES, st.none() | st.binary(max_size=20)), max_size=14), st.none() | st.binary(max_size=60))
def test_nothing_else_escapes_whatever_the_record_holds(
    raw_headers: list[tuple[str, bytes | None]], raw_value: bytes | None
) -> None:
    assert decodes_or_is_refused(raw_headers, raw_value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(sorted(ORDER.value)), JSON)
def test_nothing_else_escapes_whatever_a_field_holds(field: str, found: Any) -> None:
    assert decodes_or_is_refused(headers(), data(**{field: found}))


@given(st.sampled_from([name for name, _ in ORDER.raw_headers()]), st.text(max_size=40))
def test_nothing_else_escapes_whatever_a_header_says(name: str, text: str) -> None:
    changed = headers(**{name.replace("-", "_"): text.encode()})
    assert decodes_or_is_refused(changed, ORDER.raw_value())
