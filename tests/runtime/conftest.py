"""Fixtures of the tests of running services."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from services.demo.kafka import Broker
from tests.kafka.topics import Topics, topics_on
from tests.runtime.house import ALL


@pytest.fixture
async def topics(kafka: Broker, topic_prefix: str) -> AsyncIterator[Topics]:
    """The toy service's topics."""
    async with topics_on(kafka, topic_prefix) as found:
        await found.create(*ALL)
        yield found
