"""What the Kafka libraries log of single attempts, which they repeat ten times a second while Kafka is away.

No single attempt is an error of ours: the attempts go on, and what waits for Kafka is said by whoever waits. So each of
their lines is a warning at most, without the traceback of a Kafka error, and passes once a minute.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

LIBRARIES = ("aiokafka", "davtari.faststream", "uvicorn")
ONCE_IN = 60.0
"""Seconds."""


class SingleAttempts(logging.Filter):
    """Thins out the lines of the Kafka libraries. `now` is a monotonic clock."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._now = now
        self._said: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a line passes; one of the libraries is toned down first."""
        if not record.name.startswith(LIBRARIES):
            return True
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and not _is_kafka_error(error):
            return True  # a fault in the library, or in what it calls
        if error is not None:
            record.exc_info, record.why = None, repr(error)
        if record.levelno > logging.WARNING:
            record.levelno, record.levelname = logging.WARNING, "WARNING"
        return self._is_due((record.name, str(record.msg)))

    def _is_due(self, line: tuple[str, str]) -> bool:
        now = self._now()
        if now - self._said.get(line, -ONCE_IN) < ONCE_IN:
            return False
        self._said[line] = now
        return True


def _is_kafka_error(error: BaseException) -> bool:
    from aiokafka.errors import KafkaError  # only a process that has loaded the library comes here

    return isinstance(error, KafkaError)
