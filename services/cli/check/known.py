"""What the topics know before anything is asked of Balance or a shop: read once, for every part of the check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aiokafka.errors import KafkaError

from contracts.balance import ItemChanged, ItemPrice, PriceChanged
from contracts.catalog import GroupRule
from contracts.envelope import Envelope
from contracts.model import Event
from services.accounting.mapping.reading import commanded
from services.cli.plans import catalogue
from services.cli.shops import identity
from services.connectors.identity.standing import Standing
from services.engine.kafka.reader import read_events
from services.settings.model import Settings

TOPICS = ("operations", "balance.prices", *catalogue.TOPICS)


@dataclass(frozen=True, slots=True)
class Known:
    """Items with their groups, prices by item, commands about groups and identities by shop."""

    catalogues: Mapping[str, catalogue.Catalogue]
    prices: Mapping[str, Sequence[ItemPrice]] = field(default_factory=dict)
    commanded: Mapping[str, Mapping[str, GroupRule]] = field(default_factory=dict)
    identities: Mapping[str, Standing] = field(default_factory=dict)


async def known(settings: Settings) -> Known | None:
    """What the topics say; None while Kafka cannot tell, which is a finding of its own."""
    try:
        envelopes = [envelope async for envelope in read_events(settings.kafka, TOPICS)]
    except KafkaError:
        return None
    return of_events(settings, envelopes)


def of_events(settings: Settings, envelopes: Sequence[Envelope[Event]]) -> Known:
    """The same, from events in their order."""
    events = [envelope.data for envelope in envelopes]
    return Known(
        {name: catalogue.catalogue(settings, name, envelopes) for name in settings.shops},
        {event.item: event.prices for event in events if isinstance(event, PriceChanged)},
        commanded(envelopes),
        identity.stand(settings.shops, envelopes),
    )


def of_items(settings: Settings, items: Sequence[ItemChanged], prices: Mapping[str, Sequence[ItemPrice]]) -> Known:
    """The same from what Balance itself has just shown, where the topics hold no item yet."""
    goods = {item.item: item for item in items if item.kind != "folder"}
    folders = {item.item: item for item in items if item.kind == "folder"}
    return Known({n: catalogue.Catalogue(n, shop, goods, folders) for n, shop in settings.shops.items()}, prices)
