"""The watchdog of a consumer: a partition with lag in which nothing is processed for too long is stalled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from aiokafka import TopicPartition


class Place(NamedTuple):
    """How far a partition is processed, and where it ends: offsets of the next record."""

    done: int
    end: int

    @property
    def lag(self) -> int:
        """Records that are not processed."""
        return max(0, self.end - self.done)


@dataclass(slots=True)
class Progress:
    """Remembers when each partition last moved. Times are seconds of a monotonic clock."""

    patience: float
    places: Mapping[TopicPartition, Place] = field(default_factory=dict)
    _moved: dict[TopicPartition, float] = field(default_factory=dict)

    def seen(self, places: Mapping[TopicPartition, Place], now: float) -> None:
        """This is how the partitions stand."""
        stood = {tp: moved for tp, moved in self._moved.items() if tp in places and self._stands(tp, places[tp])}
        self.places, self._moved = dict(places), dict.fromkeys(places, now) | stood

    def _stands(self, partition: TopicPartition, place: Place) -> bool:
        """Whether it has had something to do since the last look, and has not done it."""
        before = self.places[partition]
        return before.lag > 0 and place.lag > 0 and place.done == before.done

    def unseen(self, now: float) -> None:
        """Kafka does not answer: while it is away nobody can make progress, so that time does not count."""
        self._moved = dict.fromkeys(self._moved, now)

    def stalled(self, now: float) -> dict[TopicPartition, float]:
        """Partitions with lag that have not moved for longer than patience allows, with the seconds."""
        stood = {tp: now - moved for tp, moved in self._moved.items() if self.places[tp].lag}
        return {tp: seconds for tp, seconds in stood.items() if seconds > self.patience}
