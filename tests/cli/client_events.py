"""Builds the events of an order with its client and Sale, for the tests of the commands about clients."""

from __future__ import annotations

from typing import Any

from contracts.envelope import Envelope, wrap
from contracts.model import Event
from services.cli.clients.history import ClientFacts, collect_clients
from tests.order_exporter.export_bench import CLIENT, bought, client_recorded, person
from tests.support.exporting import recorded_sale, settings
from tests.support.memory_state import NOON


def client_facts(*events: Event) -> ClientFacts:
    """The clients of the shop after these events."""
    return collect_clients("main", [enveloped(event, version) for version, event in enumerate(events, start=1)])


def enveloped(event: Event, version: int) -> Envelope[Event]:
    """The event with this version."""
    return wrap(event, version=version, source="/tests", time=NOON)


def sold(**fields: Any) -> list[Event]:
    """An order with a number, its client, and its Sale."""
    of = bought(**person(**fields))
    sale = recorded_sale(of, settings()).model_copy(update={"client": CLIENT})
    return [of, client_recorded(order_id=of.order_id, code="000000017"), sale]
