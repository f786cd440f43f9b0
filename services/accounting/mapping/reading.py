"""Reading from the topics what people have commanded about groups, outside of any service."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from contracts.catalog import GroupRule, MappingChanged
from contracts.envelope import Envelope
from contracts.model import Event
from services.accounting.mapping.effective import with_change
from services.engine.client.reader import read_events
from services.settings.kafka import KafkaSettings

TOPIC = MappingChanged.TOPIC


def commanded(envelopes: Iterable[Envelope[Event]]) -> dict[str, dict[str, GroupRule]]:
    """`{shop: {group: rule}}`: the last word about each group; other events are passed over."""
    found: defaultdict[str, dict[str, GroupRule]] = defaultdict(dict)
    for event in (envelope.data for envelope in envelopes):
        if isinstance(event, MappingChanged):
            found[event.shop] = with_change(found[event.shop], event)
    return dict(found)


async def read_commanded(kafka: KafkaSettings) -> dict[str, dict[str, GroupRule]]:
    """The same, read from the topic as it stands now."""
    return commanded([envelope async for envelope in read_events(kafka, [TOPIC])])
