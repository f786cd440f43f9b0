"""Fixtures of the tests of running services."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from services.demo.kafka import Broker
from tests.kafka.topics import Topics, topics_on
from tests.runtime.running_service import TOPICS


@pytest.fixture
async def topics(kafka: Broker, topic_prefix: str) -> AsyncIterator[Topics]:
    """The topics of the sample service."""
    async with topics_on(kafka, topic_prefix) as found:
        await found.create(*TOPICS)
        yield found
