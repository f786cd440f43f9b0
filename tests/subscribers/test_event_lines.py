"""A record as a line: exact enough to be published again, and for a person without personal data."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.envelope import headers, value
from contracts.sample import Sample, samples
from services.cli.events.records import InvalidExportLine, parse_line, parse_record
from services.engine.kafka.record import Record
from tests.subscribers.story import item, wrap_event

SAMPLES = {sample.name: sample for sample in samples()}
ANY_HEADER = st.tuples(st.text(max_size=8) | st.sampled_from(["ce_id", "ce_type"]), st.none() | st.binary(max_size=8))


def record(sample: Sample, **other: object) -> Record:
    """A sample as it lies in its topic; its value is written as Davtari writes it."""
    compact = json.dumps(sample.value, ensure_ascii=False, separators=(",", ":")).encode()
    fields = {"key": sample.key.encode(), "value": compact, "headers": sample.raw_headers()} | other
    return Record(sample.topic, 2, 17, 1_795_000_000_123, **fields)  # type: ignore[arg-type]


def plain(one: Record) -> tuple[object, ...]:
    """A record's fields, its headers in a comparable form."""
    return one.topic, one.partition, one.offset, one.timestamp, one.key, one.value, tuple(one.headers)


@pytest.mark.parametrize("name", SAMPLES)
def test_every_event_is_a_structured_cloud_event_and_comes_back_to_the_byte(name: str) -> None:
    sample = SAMPLES[name]
    line = parse_record(record(sample)).json()
    event = json.loads(line)
    assert (event["specversion"], event["type"], event["data"]) == ("1.0", sample.type, sample.value)
    assert (event["kafkatopic"], event["kafkapartition"], event["kafkaoffset"]) == (sample.topic, 2, 17)
    assert plain(parse_line(line.encode())) == plain(record(sample))


def test_what_davtari_writes_is_given_back_as_it_was_written() -> None:
    envelope = wrap_event(item('შავი ჩაი \u2028 \x7f \\ " \x00'), version=7)
    written = Record("balance.items", 0, 0, 1, b"tea", value(envelope), headers(envelope))
    one = parse_record(written)
    assert one.event is not None
    assert plain(parse_line(one.json().encode())) == plain(written)


ODD = {
    "a tombstone": {"value": None},
    "no key": {"key": None},
    "a key that is not the partition key": {"key": b"other"},
    "a foreign header": {"headers": [*SAMPLES["ItemChanged.v1"].raw_headers(), ("x-trace", b"1")]},
    "a null header": {"headers": [*SAMPLES["ItemChanged.v1"].raw_headers(), ("ce_extra", None)]},
    "a header twice": {"headers": [*SAMPLES["ItemChanged.v1"].raw_headers(), ("ce_type", b"other")]},
    "no headers": {"headers": []},
    "no JSON": {"value": b"\xff{"},
    "JSON with spaces": {"value": b'{ "item": "tea" }'},
    "a number that JSON readers round": {"value": b'{"item":0.10000000000000000001}'},
}


@pytest.mark.parametrize("what", ODD)
def test_a_record_that_would_not_come_back_is_kept_as_bytes(what: str) -> None:
    odd = record(SAMPLES["ItemChanged.v1"], **ODD[what])
    line = parse_record(odd).json()
    assert list(json.loads(line)) == ["record"]
    assert plain(parse_line(line.encode())) == plain(odd)


@given(st.none() | st.binary(max_size=8), st.none() | st.binary(max_size=8), st.lists(ANY_HEADER, max_size=3))
def test_whatever_lies_in_a_topic_comes_back(key: bytes | None, body: bytes | None, marks: list) -> None:  # type: ignore[type-arg]
    given_ = Record("balance.items", 0, 3, 5, key, body, marks)
    assert plain(parse_line(parse_record(given_).json().encode())) == plain(given_)


def test_a_line_shows_time_type_subject_and_the_main_fields() -> None:
    line = parse_record(record(SAMPLES["OrderChanged.v1"])).text()
    assert line.split() == [
        *("2026-11-20", "10:03:07", "shop.orders", "OrderChanged.v1", "main:1042", "v3"),
        *("processing", "·", "53.69", "·", "GEL"),
    ]


@pytest.mark.parametrize("name", [name for name, sample in SAMPLES.items() if sample.value.get("person")])
def test_the_line_for_a_person_names_no_customer(name: str) -> None:
    sample = SAMPLES[name]
    words = {word for word in _words(sample.value["person"]) if len(word) > 2}
    line = parse_record(record(sample)).text()
    assert words
    assert [word for word in words if word in line] == []


def _words(node: object) -> set[str]:
    if isinstance(node, dict):
        return set().union(*map(_words, node.values()))
    return {str(node)} if node else set()


def test_a_record_that_is_no_event_is_reported() -> None:
    line = parse_record(record(SAMPLES["ItemChanged.v1"], value=None)).text()
    assert line == "balance.items, partition 2, offset 17: not a Davtari event; --json shows its bytes"


@pytest.mark.parametrize("line", [b"", b"[]", b"7", b"{}", b'{"record": {}}', b'{"id": "1", "data": {}}', b"{"])
def test_a_line_that_is_none_is_refused(line: bytes) -> None:
    with pytest.raises(InvalidExportLine):
        parse_line(line)
