"""Structured logs: one line per event, the same words everywhere, as text for people or JSON for machines."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

import orjson

from services.engine.telemetry.library_logs import SingleAttempts
from services.engine.telemetry.tracing import trace_id

STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
QUIET = ("aiokafka", "faststream", "httpx", "httpcore", "asyncio", "opentelemetry", "urllib3", "apprise")
WORDS = {
    "service": "the service that says it",
    "trace": "the id of the trace in which it is said",
    "event": "the id of the event that it is about",
    "cause": "the id of the event that brought that about",
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
    "outcome": "what became of an attempt",
    "lane": "the lane of a delivery",
    "shop": "the short id of a shop",
    "resource": "items, prices or stock",
    "why": "an error, in words",
    "held": "why a snapshot is held back",
    "signature": "what is wrong with a signature",
    "refused": "webhooks refused so far",
    "failures": "failures in a row",
    "in_seconds": "when it is tried again",
    "waited": "seconds for which it has been waited",
    "fix": "what to do about it",
    "file": "the file that it is about",
    "topics": "how many topics",
    "partitions": "how many partitions",
    "offset": "where a record stands",
    "recipient": "who is told of a cause (alerts.recipients)",
    "feed": "items, prices, stock, or orders:shop",
    "gate": "what must be in order before live flows may write",
    "made": "webhooks that were made",
    "enabled": "webhooks that were switched on again",
}
"""The words that lines may hold beside their message: one for each thing, everywhere, so that a search finds all."""
_SERVICE: ContextVar[str | None] = ContextVar("service", default=None)


@contextmanager
def in_service(name: str) -> Iterator[None]:
    """Every line of this task and of those that it starts names the service."""
    before = _SERVICE.set(name)
    try:
        yield
    finally:
        _SERVICE.reset(before)


def _extras(record: logging.LogRecord) -> dict[str, object]:
    """The words of a line: its own, and the service and the trace in which it was said."""
    own = {name: value for name, value in vars(record).items() if name not in STANDARD}
    around = {"service": _SERVICE.get(), "trace": trace_id()}
    return {name: value for name, value in around.items() if value is not None} | own


class TextFormatter(logging.Formatter):
    """`12:00:01 INFO    order_exporter: delivered  order=main:17`."""

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S")
        pairs = "  ".join(f"{name}={value}" for name, value in _extras(record).items())
        line = f"{time} {record.levelname:<7} {record.name.removeprefix('services.')}: {record.getMessage()}  {pairs}"
        return line.rstrip() + (f"\n{self.formatException(record.exc_info)}" if record.exc_info else "")


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        told = {"time": datetime.fromtimestamp(record.created, UTC), "level": record.levelname, "logger": record.name}
        told |= {"message": record.getMessage()} | _extras(record)
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(told, default=str).decode()


def configure(level: str = "INFO", *, as_json: bool = False) -> None:
    """Log to standard error; the libraries' own chatter only when something is wrong."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if as_json else TextFormatter())
    handler.addFilter(SingleAttempts())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))
    logging.getLogger("davtari.faststream").setLevel(logging.ERROR)  # it warns of what we want: no topics by itself
