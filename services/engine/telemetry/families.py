"""Every metric that Davtari exposes: its name, unit, kind, meaning and labels. Alerts and boards may name no other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from services.engine.state.database import Database


@dataclass(frozen=True, slots=True)
class MetricFamily:
    """A metric. The names follow Prometheus: base units, `_total` for counters."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    about: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MetricReading:
    """One value of a family; `labels` are in the family's order."""

    family: MetricFamily
    labels: tuple[str, ...]
    value: float


ReadMetrics = Callable[["Database", datetime], Awaitable[Iterable[MetricReading]]]
"""(state database, now) → readings: how a service adds figures of its own (`Blueprint.readings`)."""

READY = MetricFamily("davtari_service_ready", "gauge", "1 when /readyz says yes of the service", ("service",))
READABLE = MetricFamily("davtari_collector_success", "gauge", "1 when the state database could be read", ("service",))
STARTED = MetricFamily("davtari_service_restarts_total", "counter", "Starts after a failure", ("service",))
LOOP_LAG = MetricFamily("davtari_event_loop_lag_seconds", "gauge", "By how much the last beat of the loop was late")

LAG = MetricFamily(
    "davtari_consumer_lag_records", "gauge", "Records of a topic that are not processed", ("service", "topic")
)
STALLED = MetricFamily(
    "davtari_consumer_stalled_partitions", "gauge", "Partitions with lag and without progress", ("service",)
)
RECORDS = MetricFamily("davtari_consumer_records_total", "counter", "Records made durable", ("service", "topic"))
BATCHES = MetricFamily("davtari_consumer_batches_total", "counter", "Batches made durable", ("service",))

WAITING = MetricFamily(
    "davtari_outbox_deliveries", "gauge", "Deliveries that wait: pending or blocked", ("service", "lane", "state")
)
OLDEST = MetricFamily(
    "davtari_outbox_oldest_delivery_age_seconds",
    "gauge",
    "Age of the oldest delivery that waits; of those pending, only what is due",
    ("service", "lane", "state"),
)
UNPUBLISHED = MetricFamily(
    "davtari_outbox_events_unpublished", "gauge", "Events that Kafka does not have yet", ("service",)
)
ATTEMPTS = MetricFamily(
    "davtari_delivery_attempts_total",
    "counter",
    "Attempts to deliver: done, retry, blocked, refused or unknown",
    ("service", "lane", "outcome"),
)
BREAKER = MetricFamily(
    "davtari_breaker_state", "gauge", "1 for the state that the breaker is in", ("service", "lane", "state")
)

DEAD_LETTERS_OPENED = MetricFamily(
    "davtari_dead_letters_opened_total", "counter", "Dead letters ever", ("service", "reason")
)
DEAD_LETTERS_OPEN = MetricFamily(
    "davtari_dead_letters_open", "gauge", "Dead letters that wait for a person", ("service", "reason")
)

FRESHNESS = MetricFamily(
    "davtari_feed_age_seconds",
    "gauge",
    "Time since the last complete import of items, prices or stock, or sweep of a shop (orders:<shop>)",
    ("service", "feed"),
)
UNDOCUMENTED = MetricFamily(
    "davtari_paid_orders_without_document", "gauge", "Orders that are due for a Sale and have none", ("service", "shop")
)
UNDOCUMENTED_AGE = MetricFamily(
    "davtari_paid_order_without_document_age_seconds",
    "gauge",
    "How long the oldest order that is due for a Sale has waited for it; 0 when there is none",
    ("service", "shop"),
)
DUE_ORDERS = MetricFamily(
    "davtari_paid_orders_due",
    "gauge",
    "Paid orders of the last freshness.sale-days days that have a Sale, or should have one by now",
    ("service", "shop"),
)
ON_TIME = MetricFamily(
    "davtari_paid_orders_on_time",
    "gauge",
    "Those of them whose Sale was recorded within freshness.sale-within",
    ("service", "shop"),
)
UNTOUCHED_ORDERS = MetricFamily(
    "davtari_paid_orders_untouched",
    "gauge",
    "Those of them that needed no person: no dead letter, no approval, no push by hand",
    ("service", "shop"),
)

SWEPT_LATE = MetricFamily(
    "davtari_sweep_found_orders_total",
    "counter",
    "Changes of orders that the sweep found before any webhook reported them",
    ("shop",),
)
WEBHOOKS = MetricFamily(
    "davtari_webhook_deliveries_total",
    "counter",
    "Webhooks by result: stored, pong, bad-signature, not-stored, or another refusal",
    ("shop", "result"),
)
WEBHOOKS_WAITING = MetricFamily(
    "davtari_webhooks_waiting", "gauge", "Webhooks stored and not looked at yet", ("service",)
)
UPSTREAM = MetricFamily(
    "davtari_upstream_request_duration_seconds",
    "histogram",
    "HTTP requests to Balance and the shops, by status or error",
    ("upstream", "method", "result"),
)
STOCK_FRESHNESS = MetricFamily(
    "davtari_stock_freshness_seconds",
    "histogram",
    "From the reading of Balance that changed an item's stock until the shop has the figure, item by item",
    ("shop",),
)

FAMILIES = tuple(family for family in list(globals().values()) if isinstance(family, MetricFamily))
