"""A call to Kafka in a long-running task is repeated until Kafka answers, whatever the error."""

from __future__ import annotations

import pytest
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    KafkaConnectionError,
    KafkaTimeoutError,
    NodeNotReadyError,
    TopicAuthorizationFailedError,
)

from services.engine.kafka.availability import KafkaUnreachable, TopicsMissing, retry_until_available

UNAVAILABLE = [
    NodeNotReadyError("node 1"),
    KafkaConnectionError("closed"),
    KafkaTimeoutError("40 s"),
    GroupCoordinatorNotAvailableError(),
    TopicAuthorizationFailedError("orders"),
    KafkaUnreachable("Kafka does not let us in at 127.0.0.1:9092"),
    TopicsMissing("Kafka shows no topic davtari.operations"),
    ConnectionResetError("reset"),
    TimeoutError(),
]


@pytest.mark.claim("S1.15")
@pytest.mark.parametrize("error", UNAVAILABLE, ids=lambda error: type(error).__name__)
async def test_a_failed_call_is_repeated_and_its_reason_reported(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.engine.kafka.availability.unavailable_wait", lambda *_: 0.0)
    failing = [error] * 3
    waits: list[str] = []

    async def call() -> str:
        if failing:
            raise failing.pop()
        return "an answer"

    assert await retry_until_available(call, waits.append) == "an answer"
    assert len(waits) == 4
    assert all(waits[:3])
    assert waits[3] == ""


async def test_a_programming_error_is_not_retried() -> None:
    async def call() -> None:
        raise KeyError("a fault")

    with pytest.raises(KeyError):
        await retry_until_available(call)
