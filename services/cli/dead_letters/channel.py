"""Send commands about dead letters, and wait for the events that follow from them."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from contracts.envelope import Envelope
from contracts.ledger import ClientRecorded
from contracts.model import Event
from contracts.operations import (
    Command,
    CommandSettled,
    DeadLettered,
    DeadLetterSettled,
    EditRequested,
    ReplayRequested,
)
from contracts.topics import TOPICS
from services.cli.command import FAILED, NO_ANSWER
from services.cli.dead_letter_log import DeadLetter
from services.cli.requests import user_name
from services.console.model.event_text import describe_event
from services.engine.client.commands import CommandIssuer, decoded_events, open_answers, open_issuer
from services.settings.model import Settings

FoundT = TypeVar("FoundT")
RESULT_TOPICS = tuple(topic.name for topic in TOPICS if not topic.name.startswith("balance."))
"""Topics to which the events after a replay may be published."""
ResultKind = Literal["done", "nothing to do", "in progress", "failed again", "held back", "refused", "no answer"]
SUCCESSFUL: tuple[ResultKind, ...] = ("done", "nothing to do", "in progress")


class CommandChannel:
    """Publishes commands, and collects the events that follow by correlation id."""

    def __init__(self, issuer: CommandIssuer) -> None:
        self._followed: defaultdict[str, list[Event]] = defaultdict(list)
        self._reopened: dict[str, DeadLettered] = {}
        self._issuer = issuer
        self._received = asyncio.Condition()

    def events_after(self, correlation: str, dead_letter: str) -> list[Event]:
        """The events with this correlation id; if the dead letter was opened again, that event comes last."""
        reopened = self._reopened.get(dead_letter)
        return [*self._followed.get(correlation, ()), *([reopened] if reopened else [])]

    async def send(self, command: Command) -> str:
        """Publish a command. Returns its correlation id once Kafka has acknowledged it."""
        return (await self._issuer.issue(command, asked_by=user_name())).correlationid

    async def publish(self, envelope: Envelope[Event]) -> None:
        """Publish a corrected record. Returns once Kafka has acknowledged it."""
        await self._issuer.publish(envelope)

    async def listen(self, envelopes: AsyncIterator[Envelope[Event]]) -> None:
        """Collect events until cancelled."""
        async for envelope in envelopes:
            async with self._received:
                self._followed[envelope.correlationid].append(envelope.data)
                if isinstance(envelope.data, DeadLettered):
                    self._reopened[envelope.data.dead_letter] = envelope.data
                self._received.notify_all()

    async def wait_for(self, find: Callable[[], FoundT | None], patience: float) -> FoundT | None:
        """Wait up to `patience` seconds until `find` returns something. Returns that, or None."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience), self._received:
                await self._received.wait_for(lambda: find() is not None)
        return find()


@asynccontextmanager
async def open_channel(settings: Settings, *, seal: bool = True) -> AsyncIterator[CommandChannel]:
    """A channel that collects all events from now on."""
    answers, issuing = open_answers(settings.kafka, *RESULT_TOPICS), open_issuer(settings, "davtari-cli", seal=seal)
    async with answers as consumer, issuing as issuer:
        channel = CommandChannel(issuer)
        listening = asyncio.create_task(channel.listen(decoded_events(consumer)))
        try:
            yield channel
        finally:
            listening.cancel()
            await asyncio.wait([listening])


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """The result of a command about a dead letter, with a message for people."""

    dead_letter: DeadLetter
    kind: ResultKind
    message: str

    def to_dict(self) -> dict[str, Any]:
        """The result for `--json`."""
        one = self.dead_letter.event
        return {"dead_letter": one.dead_letter, "about": one.about, "result": self.kind, "message": self.message}


def find_result(dead_letter: DeadLetter, events: Sequence[Event], replacement: str = "") -> ReplayResult | None:
    """The result so far, from the events after a command; None while there is none.

    `replacement` is the id of the delivery that was sent instead of the dead letter's own.
    """
    answer = next((event for event in events if isinstance(event, CommandSettled)), None)
    if answer is None:
        return None
    if answer.outcome == "refused":
        return refused_result(dead_letter, answer)
    delivery = replacement or dead_letter.event.about
    outcomes = [event for event in events if _is_outcome(event, delivery)]
    return _to_result(dead_letter, outcomes[-1]) if outcomes else None


def refused_result(dead_letter: DeadLetter, answer: CommandSettled) -> ReplayResult:
    """The result of a refused command; there is nothing to do for a dead letter that was closed before."""
    return ReplayResult(dead_letter, "nothing to do" if answer.already_closed else "refused", answer.detail)


def _is_outcome(event: Event, delivery: str) -> bool:
    """Whether an event ends a replay. That of an order ends with its Sale, not with its client."""
    match event:
        case DeadLettered():
            return event.about == delivery
        case ClientRecorded():
            return delivery.startswith("client:")
        case _:
            return not isinstance(event, CommandSettled | DeadLetterSettled | ReplayRequested | EditRequested)


def _to_result(dead_letter: DeadLetter, event: Event) -> ReplayResult:
    if isinstance(event, DeadLettered):
        return ReplayResult(dead_letter, "failed again", f"{event.reason}: {event.detail}")
    return ReplayResult(dead_letter, "done", str(describe_event(event)))


def timed_out_result(dead_letter: DeadLetter, events: Sequence[Event], patience: float) -> ReplayResult:
    """The result if `find_result` found none within `patience` seconds."""
    service = dead_letter.event.service
    if not any(isinstance(event, CommandSettled) for event in events):
        advice = "check that it runs (davtari status). The command is stored and will be processed"
        return ReplayResult(dead_letter, "no answer", f"No answer from {service} within {patience:g} s: {advice}")
    if dead_letter.event.record:
        return ReplayResult(dead_letter, "done", "the record was read again without an error")
    where = f": davtari order {dead_letter.order} --shop {dead_letter.shop}" if dead_letter.order else ""
    return ReplayResult(dead_letter, "in progress", f"{service} accepted it, no result yet{where}")


def replay_exit_code(results: Iterable[ReplayResult]) -> int:
    """0 if nothing is left to do, 3 if a service did not answer, otherwise 1."""
    kinds = {one.kind for one in results}
    if "no answer" in kinds:
        return NO_ANSWER
    return 0 if kinds <= set(SUCCESSFUL) else FAILED


def summarize(results: Iterable[ReplayResult]) -> str:
    """The number of results of each kind, in one line."""
    counts = Counter(one.kind for one in results)
    return " · ".join(f"{count} {kind}" for kind, count in counts.most_common()) or "nothing to replay"
