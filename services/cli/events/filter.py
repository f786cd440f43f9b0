"""Which events a person wants to see."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from contracts.registry import EVENTS
from contracts.topics import BY_NAME, TOPICS
from services.cli.events.line import Heard
from services.engine.privacy.keys import TOPIC as KEYS


class NoSuchName(ValueError):
    """A topic or event type that Davtari does not have; the message lists those that it has."""


@dataclass(frozen=True)
class Filter:
    """What is empty or None filters nothing. `types` may be short: `OrderChanged`. `shop` leaves out what has none.

    `since` (inclusive) and `until` (exclusive) are compared with the time of the Kafka record.
    """

    topics: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    keys: Collection[str] = ()
    shop: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """The topics to read: those chosen, else those that carry the chosen types. Raises `NoSuchName`.

        The keys of people's data are read only by name: an export that held them would undo forgetting.
        """
        _known("topic", self.topics, BY_NAME)
        carrying = (
            {event.TOPIC for event in EVENTS if event.TYPE in self._types} if self.types else set(BY_NAME) - {KEYS}
        )
        chosen = self.topics or carrying
        return tuple(topic.name for topic in TOPICS if topic.name in chosen)

    @cached_property
    def _types(self) -> frozenset[str]:
        by_name = {name: event.TYPE for event in EVENTS for name in _names(event.TYPE)}
        _known("event type", self.types, by_name)
        return frozenset(by_name[name] for name in self.types)

    def wants(self, one: Heard) -> bool:
        """Whether the record passes. One that holds no event passes unless something in it would have to be known."""
        return self._at(one.record.timestamp) and self._keyed(one.record.key) and self._about(one.event)

    def _at(self, timestamp: int) -> bool:
        since, until = self.since, self.until
        return (since is None or timestamp >= _ms(since)) and (until is None or timestamp < _ms(until))

    def _keyed(self, key: bytes | None) -> bool:
        return not self.keys or (key or b"").decode(errors="replace") in self.keys

    def _about(self, event: dict[str, Any] | None) -> bool:
        if event is None:
            return not self.types and self.shop is None
        return (not self.types or event["type"] in self._types) and self._of_shop(event["data"])

    def _of_shop(self, data: Any) -> bool:
        return self.shop is None or (isinstance(data, dict) and data.get("shop") == self.shop)


def _names(type_: str) -> tuple[str, str, str]:
    short = type_.removeprefix("davtari.")
    return type_, short, short.split(".")[0]


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _known(what: str, given: Collection[str], known: Collection[str]) -> None:
    if unknown := [name for name in given if name not in known]:
        raise NoSuchName(f"there is no {what} {', '.join(unknown)}; there are {', '.join(known)}")
