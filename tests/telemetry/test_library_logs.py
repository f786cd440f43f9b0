"""While Kafka is unavailable the log reports it once, without a line for every attempt of a library."""

from __future__ import annotations

import logging

import pytest
from aiokafka.errors import GroupCoordinatorNotAvailableError

from services.engine.telemetry.logs import REPEAT_INTERVAL, RepeatedAttemptFilter


def line(name: str, message: str, error: BaseException | None = None) -> logging.LogRecord:
    """A line at level ERROR."""
    info = (type(error), error, None) if error else None
    return logging.LogRecord(name, logging.ERROR, "", 0, message, (), info)


def test_a_repeated_library_line_is_logged_once_a_minute_whatever_its_arguments() -> None:
    seconds = [0.0]
    thinned = RepeatedAttemptFilter(lambda: seconds[0])
    assert thinned.filter(line("aiokafka", "Unable connect to node with id %s: %s"))
    assert thinned.filter(line("aiokafka.consumer.fetcher", "Failed fetch messages from %s: %s"))
    for seconds[0] in (0.1, 1.0, REPEAT_INTERVAL - 1):
        assert not thinned.filter(line("aiokafka", "Unable connect to node with id %s: %s"))
    seconds[0] = REPEAT_INTERVAL
    assert thinned.filter(line("aiokafka", "Unable connect to node with id %s: %s"))


@pytest.mark.parametrize("name", ["aiokafka.consumer.group_coordinator", "davtari.faststream"])
def test_an_expected_condition_is_logged_without_a_traceback(name: str) -> None:
    record = line(name, "Group Coordinator Request failed", GroupCoordinatorNotAvailableError())
    assert RepeatedAttemptFilter().filter(record)
    assert (record.levelname, record.exc_info) == ("WARNING", None)
    assert "GroupCoordinatorNotAvailableError" in vars(record)["why"]


def test_an_error_keeps_its_traceback_and_is_never_suppressed() -> None:
    thinned = RepeatedAttemptFilter()
    for _ in range(3):
        record = line("davtari.faststream", "it failed", ValueError("a fault"))
        assert thinned.filter(record)
        assert (record.levelname, bool(record.exc_info)) == ("ERROR", True)


def test_log_lines_of_davtari_are_never_suppressed() -> None:
    thinned = RepeatedAttemptFilter()
    for _ in range(3):
        record = line("services.engine.kafka.publisher", "events wait for the broker")
        assert thinned.filter(record)
        assert record.levelname == "ERROR"
