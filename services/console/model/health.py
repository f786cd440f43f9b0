"""What services state about themselves: stale feeds, machines in trouble, gates of flows, shops not recognized."""

from __future__ import annotations

from collections.abc import Mapping

from contracts.alerts import FeedStateChanged, ServiceStateChanged
from contracts.envelope import Envelope
from contracts.gates import GateChecked
from contracts.identity import ShopIdentified, ShopNotRecognized
from contracts.model import Event
from services.engine.outbox.handlers import Remember
from services.engine.state.records import Kind, State

FEED_HEALTH = Kind("health-feed", FeedStateChanged)
"""By feed."""
SERVICE_HEALTH = Kind("health-service", ServiceStateChanged)
"""By service and reason."""
GATE_HEALTH = Kind("health-gate", GateChecked)
"""By service and gate."""
UNRECOGNIZED_SHOP = Kind("health-shop", ShopNotRecognized)
"""By shop, while it is not recognized."""


def _on_feed(envelope: Envelope[FeedStateChanged], state: State) -> None:
    state.put(FEED_HEALTH, envelope.data.feed, envelope.data)


def _on_service(envelope: Envelope[ServiceStateChanged], state: State) -> None:
    """Each of these events has a subject of its own, so that they may be read in any order."""
    event = envelope.data
    slot = f"{event.service}:{event.reason}"
    known = state.get(SERVICE_HEALTH, slot)
    if known is None or known.at <= event.at:
        state.put(SERVICE_HEALTH, slot, event)


def _on_gate(envelope: Envelope[GateChecked], state: State) -> None:
    state.put(GATE_HEALTH, envelope.data.key, envelope.data)


def _on_unrecognized(envelope: Envelope[ShopNotRecognized], state: State) -> None:
    state.put(UNRECOGNIZED_SHOP, envelope.data.shop, envelope.data)


def _on_identified(envelope: Envelope[ShopIdentified], state: State) -> None:
    state.drop(UNRECOGNIZED_SHOP, envelope.data.shop)


HEALTH_RULES: Mapping[type[Event], Remember] = {
    FeedStateChanged: _on_feed,
    ServiceStateChanged: _on_service,
    GateChecked: _on_gate,
    ShopNotRecognized: _on_unrecognized,
    ShopIdentified: _on_identified,
}
