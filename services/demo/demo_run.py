"""The running demonstration: its environment, its services, and a log of all events that steps wait on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn
from tenacity import AsyncRetrying, retry_if_result, stop_after_delay, wait_fixed

from contracts.balance import StockChanged
from contracts.catalog import AvailabilityChanged, ProductLinked, ProductPlanned
from contracts.envelope import Envelope
from contracts.ledger import CreditNoteRecorded, SaleRecorded
from contracts.model import Event
from contracts.operations import DeadLettered, DeadLetterSettled
from contracts.shop import OrderChanged
from contracts.topics import TOPICS
from services.cli.screen import Description, console, styled
from services.demo.environment import SandboxEnvironment
from services.demo.service_runner import ServiceRunner
from services.engine.client.commands import decoded_events as events
from services.engine.kafka.connection import create_reader
from services.settings.model import KafkaSettings, Settings


class WaitTimedOut(Exception):
    """A step waited for something that did not happen in time."""


@dataclass(slots=True)
class EventLog:
    """All events read from the topics so far, with the newest event of each subject."""

    story: list[Envelope[Event]] = field(default_factory=list)
    plans: dict[str, ProductPlanned] = field(default_factory=dict)
    links: dict[str, ProductLinked] = field(default_factory=dict)
    stocked: set[str] = field(default_factory=set)
    figures: dict[str, AvailabilityChanged] = field(default_factory=dict)
    orders: dict[str, OrderChanged] = field(default_factory=dict)
    sales: dict[str, SaleRecorded] = field(default_factory=dict)
    notes: dict[str, CreditNoteRecorded] = field(default_factory=dict)
    open_dead_letters: dict[str, DeadLettered] = field(default_factory=dict)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def until(self, happened: Callable[[], bool], what: str, patience: float = 60.0) -> None:
        """Wait until a condition on the events holds. Raises `WaitTimedOut`, which names `what`."""
        try:
            async with asyncio.timeout(patience), self._changed:
                await self._changed.wait_for(happened)
        except TimeoutError:
            dead_letters = "; ".join(f"{one.reason}: {one.detail}" for one in self.open_dead_letters.values())
            raise WaitTimedOut(
                f"Timed out after {patience:g} s waiting for: {what}. Open dead letters: {dead_letters or 'none'}"
            ) from None

    async def take(self, envelope: Envelope[Event]) -> None:
        """Store an event and wake all waiters."""
        self._remember(envelope.data)
        self.story.append(envelope)
        async with self._changed:
            self._changed.notify_all()

    def _remember(self, event: Event) -> None:
        match event:
            case ProductPlanned():
                self.plans[event.key] = event
            case ProductLinked():
                self.links[event.key] = event
            case StockChanged():
                self.stocked.add(event.item)
            case AvailabilityChanged():
                self.figures[event.key] = event
            case OrderChanged():
                self.orders[event.key] = event
            case _:
                self._remember_books(event)

    def _remember_books(self, event: Event) -> None:
        match event:
            case SaleRecorded():
                self.sales[event.key] = event
            case CreditNoteRecorded():
                self.notes[event.subject] = event
            case DeadLettered():
                self.open_dead_letters[event.dead_letter] = event
            case DeadLetterSettled():
                self.open_dead_letters.pop(event.dead_letter, None)
            case _:
                return


@asynccontextmanager
async def follow_events(settings: KafkaSettings) -> AsyncIterator[EventLog]:
    """Read all topics from the start and keep the log up to date while the context is open."""
    ledger = EventLog()
    consumer = create_reader(settings, [topic.name for topic in TOPICS])
    await consumer.start()

    async def follow() -> None:
        async for envelope in events(consumer):
            await ledger.take(envelope)

    task = asyncio.create_task(follow())
    try:
        yield ledger
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await consumer.stop()


@dataclass(frozen=True, slots=True)
class DemoRun:
    """The environment, the event log, the services, and the settings with every flow live."""

    world: SandboxEnvironment
    ledger: EventLog
    services: ServiceRunner
    live: Settings

    async def place(self, order_id: int, **how: Any) -> None:
        """Place a recorded order in the shop."""
        answer = await self.world.shop.post("/_sandbox/orders", json={"recorded": order_id, **how})
        answer.raise_for_status()

    async def refund(self, order_id: int, refund_id: int) -> None:
        """Issue a recorded refund in the shop."""
        path = f"/_sandbox/orders/{order_id}/refunds"
        (await self.world.shop.post(path, json={"recorded": refund_id})).raise_for_status()

    async def until(self, count: Callable[[], int], goal: int, what: str, patience: float = 60.0) -> None:
        """Show a progress bar until a count reaches its goal. Raises `WaitTimedOut`."""
        with progress_bars() as bars:
            bar = bars.add_task(what, total=goal, completed=count())

            def reached() -> bool:
                bars.update(bar, completed=count())
                return count() >= goal

            await self.ledger.until(reached, f"{what} ({count()} of {goal})", patience)

    async def wait_until_idle(self) -> None:
        """Wait until no service has anything left to deliver or publish."""
        trying = AsyncRetrying(
            wait=wait_fixed(0.1), stop=stop_after_delay(30), retry=retry_if_result(lambda busy: busy is True)
        )
        await trying(self.services.busy, self.live)


def progress_bars() -> Progress:
    """Progress bars with description, count and elapsed time."""
    columns = (Description("  {task.description:<28}"), BarColumn(32), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console)


@asynccontextmanager
async def print_heading(title: str) -> AsyncIterator[None]:
    """Print a heading before the step and an empty line after it."""
    console.print(styled(title, "bold cyan"))
    yield
    console.print()
