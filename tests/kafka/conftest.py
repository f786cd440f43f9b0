"""Fixtures of the tests against the real broker."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from services.demo.kafka import Broker
from tests.kafka.topics import STOCK, Topics, topics_on


@pytest.fixture
async def topics(kafka: Broker, topic_prefix: str) -> AsyncIterator[Topics]:
    """Topics under the prefix of the test; the stock topic exists."""
    async with topics_on(kafka, topic_prefix) as found:
        await found.create(STOCK)
        yield found
