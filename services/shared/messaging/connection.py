"""How we talk to Kafka: the settings that keep data safe, in one place (the libraries' defaults lose it)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from services.shared.settings.model import KafkaSettings

LARGEST = 16 * 1024 * 1024
"""Bytes of one record before compression: a dead letter holds a record of up to 4 MiB in base64, and must get through,
since everything that is announced after it waits behind it."""


def producer(settings: KafkaSettings, service: str) -> AIOKafkaProducer:
    """A producer whose acknowledged sends are kept: all replicas, idempotent, in order."""
    return AIOKafkaProducer(
        bootstrap_servers=settings.bootstrap_servers,
        client_id=f"davtari-{service}",
        acks="all",
        enable_idempotence=True,
        compression_type="gzip",
        linger_ms=5,
        max_batch_size=256 * 1024,
        max_request_size=LARGEST,
    )


def consumer_options() -> dict[str, Any]:
    """What every group consumer is started with: nothing is committed by itself, a new group reads from the start."""
    return {
        "auto_offset_reset": "earliest",
        "session_timeout_ms": 10_000,
        "heartbeat_interval_ms": 3_000,
        "max_poll_interval_ms": 600_000,
        "fetch_max_wait_ms": 200,
    }


def reader(settings: KafkaSettings, topics: Iterable[str]) -> AIOKafkaConsumer:
    """A consumer of whole topics outside any group: it only looks."""
    return AIOKafkaConsumer(
        *[settings.topic_prefix + topic for topic in topics],
        bootstrap_servers=settings.bootstrap_servers,
        client_id="davtari-reader",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=100,
    )
