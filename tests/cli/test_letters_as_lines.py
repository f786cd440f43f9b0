"""A dead letter with Kafka Connect's headers passes through an export and back to the byte."""

from __future__ import annotations

from contracts.connect_headers import connect_headers
from contracts.envelope import headers, value, wrap
from services.cli.events.records import parse_line, parse_record
from services.engine.kafka.record import Record
from tests.cli.letters_given import NOW, record


def test_it_is_told_as_an_event_and_exported_exactly() -> None:
    letter = record()
    told = wrap(letter, version=1, source=letter.service, time=NOW)
    head = [*headers(told), *[(name, text.encode()) for name, text in connect_headers(letter)]]
    raw = Record("dead-letters", 0, 5, 1, letter.key.encode(), value(told), head)
    line = parse_record(raw)
    assert line.event is not None
    assert line.event["connecterrorsexceptionclassname"] == "record.invalid-data"
    again = parse_line(line.json().encode())
    assert (again.key, again.value, list(again.headers)) == (raw.key, raw.value, head)
