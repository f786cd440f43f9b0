"""Structured logs: one line per event, the same field names everywhere, as text for people or JSON for machines."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from textwrap import indent
from types import TracebackType

from services.engine.printable import make_printable
from services.engine.telemetry.tracing import trace_id

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
STANDARD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
QUIET_LOGGERS = ("aiokafka", "faststream", "httpx", "httpcore", "asyncio", "opentelemetry", "urllib3", "apprise")
REPEATING_LOGGERS = ("aiokafka", "davtari.faststream", "uvicorn")
CLEAR_PASSWORD = "Sending username and password in the clear"
"""aiokafka's warning at every connection with SASL_PLAINTEXT and PLAIN; `davtari check` says it once."""
REPEAT_INTERVAL = 60.0
"""Seconds between two equal lines of these libraries."""
LOG_FIELDS = {
    "service": "the service that wrote the line",
    "trace": "the id of the current trace",
    "event": "the id of the event that the line is about",
    "cause": "the id of the event that caused it",
    "type": "the type of the event",
    "subject": "what an event or a delivery is about",
    "order": "the order, as shop:number",
    "orders": "the orders, as shop:number, or how many",
    "product": "the id of a product in the shop",
    "count": "how many",
    "delivery": "the id of a delivery",
    "deliveries": "the ids of deliveries, or how many",
    "dead_letter": "the id of a dead letter",
    "about": "what a dead letter is about",
    "reason": "a reason code (contracts/reasons.toml)",
    "outcome": "the outcome of an attempt",
    "lane": "the lane of a delivery",
    "shop": "the short id of a shop",
    "resource": "items, prices or stock",
    "why": "an error message",
    "held": "why a snapshot is held back",
    "signature": "what is wrong with a signature",
    "refused": "webhooks refused so far",
    "failures": "failures in a row",
    "in_seconds": "seconds until the next attempt",
    "waited": "seconds waited so far",
    "fix": "what to do about it",
    "file": "the file concerned",
    "topics": "how many topics",
    "partitions": "how many partitions",
    "offset": "the offset of a record",
    "recipient": "who gets an alert (alerts.recipients)",
    "feed": "items, prices, stock, or orders:shop",
    "gate": "the check that live flows must pass",
    "made": "webhooks that were created",
    "enabled": "webhooks that were switched on again",
    "path": "the path of a request to the console",
    "number": "the number under which a page or problem showed this error",
}
"""The fields that a line may have beside its message: one name for each thing, so that a search finds all of them."""
_SERVICE: ContextVar[str | None] = ContextVar("service", default=None)


@contextmanager
def in_service(name: str) -> Iterator[None]:
    """Add the service to every line of this task and of the tasks that it starts."""
    before = _SERVICE.set(name)
    try:
        yield
    finally:
        _SERVICE.reset(before)


class RepeatedAttemptFilter(logging.Filter):
    """Reduces the lines of libraries that log every failed attempt: ten times a second while Kafka is down.

    A single attempt is no error: the library tries again, and the code that waits for Kafka logs that it waits. So
    their lines are warnings at most, without the traceback of a Kafka error, and equal ones pass once a minute. `now`
    is a monotonic clock.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._now = now
        self._last: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line passes; the level of a library's line is lowered first."""
        if not record.name.startswith(REPEATING_LOGGERS):
            return True
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and not _is_kafka_error(error):
            return True  # a bug in the library, or in what it calls
        if error is not None:
            record.exc_info, record.why = None, repr(error)
        if record.levelno > logging.WARNING:
            record.levelno, record.levelname = logging.WARNING, "WARNING"
        return self._is_due((record.name, str(record.msg)))

    def _is_due(self, line: tuple[str, str]) -> bool:
        now = self._now()
        if now - self._last.get(line, -REPEAT_INTERVAL) < REPEAT_INTERVAL:
            return False
        self._last[line] = now
        return True


def _is_kafka_error(error: BaseException) -> bool:
    from aiokafka.errors import KafkaError  # reached only in a process that has loaded the library

    return isinstance(error, KafkaError)


def _fields(record: logging.LogRecord) -> dict[str, object]:
    """The fields of a line: its own, the service and the trace."""
    own = {name: value for name, value in vars(record).items() if name not in STANDARD_FIELDS}
    context = {"service": _SERVICE.get(), "trace": trace_id()}
    return {name: value for name, value in context.items() if value is not None} | own


class TextFormatter(logging.Formatter):
    """`12:00:01 INFO    order_exporter: delivered  order=main:17`."""

    def format(self, record: logging.LogRecord) -> str:
        time_ = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S")
        pairs = "  ".join(f"{name}={value}" for name, value in _fields(record).items())
        line = f"{time_} {record.levelname:<7} {record.name.removeprefix('services.')}: {record.getMessage()}  {pairs}"
        return make_printable(line.rstrip()) + (self._traceback(record.exc_info) if record.exc_info else "")

    def _traceback(self, error: ExcInfo) -> str:
        """The traceback, indented: no line of an error message passes for a line of the log."""
        return "\n" + indent(make_printable(self.formatException(error), keep_lines=True), "    ")


class JsonFormatter(logging.Formatter):
    """One JSON object a line. The standard library also writes lone surrogates and integers of any size."""

    def format(self, record: logging.LogRecord) -> str:
        line = {"time": datetime.fromtimestamp(record.created, UTC), "level": record.levelname, "logger": record.name}
        line |= {"message": record.getMessage()} | _fields(record)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return make_printable(json.dumps(line, default=_to_text, ensure_ascii=False))


def _to_text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def configure(level: str = "INFO", *, as_json: bool = False) -> None:
    """Log to standard error; libraries log only warnings and errors."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if as_json else TextFormatter())
    handler.addFilter(RepeatedAttemptFilter())
    handler.addFilter(lambda record: record.msg != CLEAR_PASSWORD)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in QUIET_LOGGERS:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))
    # it warns that topics are not created automatically, which is what we want
    logging.getLogger("davtari.faststream").setLevel(logging.ERROR)
