"""The board of a run, and Kafka with topics of its own for each side of a benchmark."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest

from services.demo.kafka import Broker
from services.engine.kafka.topics import create_topics
from services.engine.runtime.garbage import tune_garbage_collector
from services.settings.model import KafkaSettings
from tests.benchmarks.board import Board


@pytest.fixture(autouse=True, scope="session")
def _garbage_as_in_a_service() -> Iterator[None]:
    before = gc.get_threshold()
    tune_garbage_collector()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


@pytest.fixture(scope="session")
def board() -> Iterator[Board]:
    """Collects the figures; prints and writes them when the last benchmark has ended."""
    board = Board()
    yield board
    if board.figures:
        board.write()
        print("\n" + board.table())


@pytest.fixture
async def two_kafkas(kafka: Broker) -> AsyncIterator[tuple[KafkaSettings, KafkaSettings]]:
    """The topics of our side and those of the floor's, on one broker."""
    ours, floor = (_topics(kafka, side) for side in ("ours", "floor"))
    for each in (ours, floor):
        await create_topics(each)
    yield ours, floor


def _topics(kafka: Broker, side: str) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=kafka.bootstrap_servers, topic_prefix=f"{side}{uuid4().hex[:8]}.")
