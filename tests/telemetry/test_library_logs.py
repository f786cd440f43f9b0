"""While Kafka is away the log says so, and is not flooded by the libraries' single attempts."""

from __future__ import annotations

import logging

import pytest
from aiokafka.errors import GroupCoordinatorNotAvailableError

from services.engine.telemetry.logs import REPEAT_INTERVAL, RepeatedAttemptFilter


def line(name: str, message: str, error: BaseException | None = None) -> logging.LogRecord:
    """A line at level ERROR."""
    info = (type(error), error, None) if error else None
    return logging.LogRecord(name, logging.ERROR, "", 0, message, (), info)


def test_the_same_line_of_a_library_passes_once_a_minute_whatever_it_names() -> None:
    seconds = [0.0]
    thinned = RepeatedAttemptFilter(lambda: seconds[0])
    assert thinned.filter(line("aiokafka", "Unable connect to node with id %s: %s"))
    assert thinned.filter(line("aiokafka.consumer.fetcher", "Failed fetch messages from %s: %s"))
    for seconds[0] in (0.1, 1.0, REPEAT_INTERVAL - 1):
        assert not thinned.filter(line("aiokafka", "Unable connect to node with id %s: %s"))
    seconds[0] = REPEAT_INTERVAL
    assert thinned.filter(line("aiokafka", "Unable connect to node with id %s: %s"))


@pytest.mark.parametrize("name", ["aiokafka.consumer.group_coordinator", "davtari.faststream"])
def test_an_ordinary_condition_is_no_error_and_has_no_traceback(name: str) -> None:
    record = line(name, "Group Coordinator Request failed", GroupCoordinatorNotAvailableError())
    assert RepeatedAttemptFilter().filter(record)
    assert (record.levelname, record.exc_info) == ("WARNING", None)
    assert "GroupCoordinatorNotAvailableError" in vars(record)["why"]


def test_a_fault_keeps_its_traceback_and_is_never_thinned_out() -> None:
    thinned = RepeatedAttemptFilter()
    for _ in range(3):
        record = line("davtari.faststream", "it failed", ValueError("a fault"))
        assert thinned.filter(record)
        assert (record.levelname, bool(record.exc_info)) == ("ERROR", True)


def test_our_own_lines_all_pass_as_they_are() -> None:
    thinned = RepeatedAttemptFilter()
    for _ in range(3):
        record = line("services.engine.kafka.publisher", "events wait for the broker")
        assert thinned.filter(record)
        assert record.levelname == "ERROR"
