"""A dead letter with Kafka Connect's headers is exported and restored byte by byte."""

from __future__ import annotations

from contracts.connect_headers import connect_headers
from contracts.envelope import headers, value, wrap
from services.cli.events.records import parse_line, parse_record
from services.engine.kafka.record import Record
from tests.cli.dead_letter_events import NOW, failed_record


def test_a_dead_letter_is_exported_as_an_event_and_restored_exactly() -> None:
    event = failed_record()
    envelope = wrap(event, version=1, source=event.service, time=NOW)
    head = [*headers(envelope), *[(name, text.encode()) for name, text in connect_headers(event)]]
    raw = Record("dead-letters", 0, 5, 1, event.key.encode(), value(envelope), head)
    line = parse_record(raw)
    assert line.event is not None
    assert line.event["connecterrorsexceptionclassname"] == "record.invalid-data"
    again = parse_line(line.json().encode())
    assert (again.key, again.value, list(again.headers)) == (raw.key, raw.value, head)
