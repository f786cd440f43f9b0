"""Asking the services about dead letters, many in a row, and hearing what becomes of each."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

from aiokafka import AIOKafkaProducer

from contracts.envelope import Envelope, headers, value, wrap
from contracts.ledger import ClientRecorded
from contracts.model import Event
from contracts.operations import CommandSettled, DeadLettered, DeadLetterSettled, EditRequested, ReplayRequested
from contracts.topics import TOPICS
from services.cli.dead_letter_log import DeadLetter
from services.cli.orders.event_text import describe_event
from services.engine.client.commands import decoded_events, open_answers
from services.engine.kafka.connection import create_producer
from services.engine.kafka.publisher import Seal, leave_unsealed
from services.engine.privacy.writing import sealing
from services.settings.model import KafkaSettings

FoundT = TypeVar("FoundT")
RESULT_TOPICS = tuple(topic.name for topic in TOPICS if not topic.name.startswith("balance."))
"""Whatever a replay may bring about."""


class CommandChannel:
    """Commands go out here, and what the topics say from then on is heard."""

    def __init__(self, settings: KafkaSettings, sender: AIOKafkaProducer, seal: Seal) -> None:
        self._followed: defaultdict[str, list[Event]] = defaultdict(list)
        self._reopened: dict[str, DeadLettered] = {}
        self._settings, self._sender, self._seal = settings, sender, seal
        self._said = asyncio.Condition()

    def story(self, correlation: str, dead_letter: str) -> list[Event]:
        """What has followed from a command; a dead letter that was opened again comes last."""
        again = self._reopened.get(dead_letter)
        return [*self._followed.get(correlation, ()), *([again] if again else [])]

    async def send(self, command: Event) -> str:
        """Publish a command; returns its correlation id when Kafka has it."""
        envelope = wrap(command, version=1, source="davtari-cli", time=datetime.now(UTC))
        await self.publish(envelope)
        return envelope.correlationid

    async def publish(self, envelope: Envelope[Event]) -> None:
        """Publish an event as it is, its person sealed; returns when Kafka has it."""
        topic, key = self._settings.topic_prefix + envelope.data.TOPIC, envelope.data.key.encode()
        async with asyncio.timeout(self._settings.send_timeout):
            (body,) = await self._seal([value(envelope)])
            await self._sender.send_and_wait(topic, value=body, key=key, headers=headers(envelope))

    async def take(self, envelopes: AsyncIterator[Envelope[Event]]) -> None:
        """Listen until cancelled."""
        async for envelope in envelopes:
            async with self._said:
                self._followed[envelope.correlationid].append(envelope.data)
                if isinstance(envelope.data, DeadLettered):
                    self._reopened[envelope.data.dead_letter] = envelope.data
                self._said.notify_all()

    async def until(self, look: Callable[[], FoundT | None], patience: float) -> FoundT | None:
        """Wait until something was heard; None if it was not within so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience), self._said:
                await self._said.wait_for(lambda: look() is not None)
        return look()


@asynccontextmanager
async def open_channel(settings: KafkaSettings, *, seal: bool = True) -> AsyncIterator[CommandChannel]:
    """A desk that listens from now on."""
    sender = create_producer(settings, "cli")
    async with open_answers(settings, *RESULT_TOPICS) as consumer, sealing(settings, sender) as sealer:
        listening: asyncio.Task[None] | None = None
        try:
            await sender.start()
            made = CommandChannel(settings, sender, sealer.values if seal else leave_unsealed)
            listening = asyncio.create_task(made.take(decoded_events(consumer)))
            yield made
        finally:
            await sender.stop()
            if listening:
                listening.cancel()
                await asyncio.wait([listening])


# What came of a replay, from what the topics have said since.

ResultKind = Literal["done", "nothing to do", "under way", "failed again", "stays", "refused", "no answer"]
SUCCESSFUL: tuple[ResultKind, ...] = ("done", "nothing to do", "under way")
FAILED, NO_ANSWER = 1, 3


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """What came of one letter, and the words for it."""

    letter: DeadLetter
    how: ResultKind
    told: str

    def plain(self) -> dict[str, Any]:
        """The result as data."""
        one = self.letter.letter
        return {"dead_letter": one.dead_letter, "about": one.about, "result": self.how, "told": self.told}


def find_result(letter: DeadLetter, story: Sequence[Event], tried: str = "") -> ReplayResult | None:
    """What is known by now, from what has followed; None while it is open.

    `tried` is the delivery that was sent, if it is not the letter's own.
    """
    answer = next((event for event in story if isinstance(event, CommandSettled)), None)
    if answer is None:
        return None
    if answer.outcome == "refused":
        already = "was already" in answer.detail
        return ReplayResult(letter, "nothing to do" if already else "refused", answer.detail)
    found = [event for event in story if _is_outcome(event, letter, tried or letter.letter.about)]
    return _to_result(letter, found[-1]) if found else None


def _is_outcome(event: Event, letter: DeadLetter, tried: str) -> bool:
    """The client of an order is on the way to its Sale, not the end of it."""
    match event:
        case DeadLettered():
            return event.about == tried
        case ClientRecorded():
            return tried.startswith("client:")
        case _:
            return not isinstance(event, CommandSettled | DeadLetterSettled | ReplayRequested | EditRequested)


def _to_result(letter: DeadLetter, event: Event) -> ReplayResult:
    if isinstance(event, DeadLettered):
        return ReplayResult(letter, "failed again", f"{event.reason}: {event.detail}")
    return ReplayResult(letter, "done", describe_event(event))


def timed_out_result(letter: DeadLetter, story: Sequence[Event], patience: float) -> ReplayResult:
    """What to say when nothing is known after so many seconds."""
    if not any(isinstance(event, CommandSettled) for event in story):
        silent = f"No answer from {letter.letter.service} within {patience:g} s"
        advice = "check that it runs (davtari status). The command is stored and will be processed"
        return ReplayResult(letter, "no answer", f"{silent}: {advice}")
    if letter.letter.record:
        return ReplayResult(letter, "done", "the record was read again, and handled this time")
    where = f": davtari order {letter.order} --shop {letter.shop}" if letter.order else ""
    return ReplayResult(letter, "under way", f"{letter.letter.service} has taken it up, nothing came of it yet{where}")


def exit_code(results: Iterable[ReplayResult]) -> int:
    """0 when nothing is left to do, 3 when a service did not answer, else 1."""
    found = {one.how for one in results}
    if "no answer" in found:
        return NO_ANSWER
    return 0 if found <= set(SUCCESSFUL) else FAILED


def summarize(results: Iterable[ReplayResult]) -> str:
    """How many of each, in one line."""
    counted = Counter(one.how for one in results)
    return " · ".join(f"{count} {how}" for how, count in counted.most_common()) or "nothing to replay"
