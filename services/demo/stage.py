"""What every chapter of the story works with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from tenacity import AsyncRetrying, retry_if_result, stop_after_delay, wait_fixed

from services.cli.screen import console
from services.demo.crew import Crew
from services.demo.ledger import Ledger
from services.demo.world import World
from services.settings.model import Settings


@dataclass(frozen=True, slots=True)
class Stage:
    """The world, the ledger that follows the topics, the services, and the settings (everything live)."""

    world: World
    ledger: Ledger
    crew: Crew
    live: Settings

    async def place(self, order_id: int, **how: Any) -> None:
        """Have the shop take a recorded order."""
        answer = await self.world.shop.post("/_sandbox/orders", json={"recorded": order_id, **how})
        answer.raise_for_status()

    async def refund(self, order_id: int, refund_id: int) -> None:
        """Have the shop give a recorded refund."""
        path = f"/_sandbox/orders/{order_id}/refunds"
        (await self.world.shop.post(path, json={"recorded": refund_id})).raise_for_status()

    async def until(self, count: Callable[[], int], goal: int, what: str, patience: float = 60.0) -> None:
        """Show progress until a count reaches its goal. Raises `NeverHappened`."""
        with progress() as bars:
            bar = bars.add_task(what, total=goal, completed=count())

            def reached() -> bool:
                bars.update(bar, completed=count())
                return count() >= goal

            await self.ledger.until(reached, f"{what} ({count()} of {goal})", patience)

    async def rests(self) -> None:
        """Wait until nothing waits to be delivered or published any more."""
        trying = AsyncRetrying(
            wait=wait_fixed(0.1), stop=stop_after_delay(30), retry=retry_if_result(lambda busy: busy is True)
        )
        await trying(self.crew.busy, self.live)


def progress() -> Progress:
    """A bar with its words, count and time."""
    columns = (TextColumn("  {task.description:<28}"), BarColumn(32), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console)


@asynccontextmanager
async def chapter(title: str) -> AsyncIterator[None]:
    """A heading, and an empty line after the chapter."""
    console.print(f"[bold cyan]{title}[/]")
    yield
    console.print()
