"""Replaying dead letters one after the other, at a bounded rate, and hearing what came of each.

A replay needs no memory of its own: a letter that was replayed is closed in the topic. So a run that was interrupted is
started again as it was, and takes up the letters that are still open.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from contracts.operations import ReplayRequested
from services.cli import requests
from services.cli.dead_letter_log import DeadLetter
from services.cli.dead_letters.desk import Desk
from services.cli.dead_letters.results import How, Result, result, silent
from services.cli.dead_letters.routes import Route

HANDLED = 2.0
"""Seconds in which a record that was read again would have become a dead letter again: one transaction does both."""
Tell = Callable[[Result], None]


async def replay(desk: Desk, ways: Sequence[Route], rate: float, patience: float, tell: Tell) -> list[Result]:
    """Replay what does not stay, at most `rate` letters a second; `patience` seconds for each to come to something.

    `tell` hears of each result as soon as it is known.
    """
    begun: list[asyncio.Task[Result]] = []
    results = [Result(way.letter, _closed(way), way.stays) for way in ways if way.stays]
    for known in results:
        tell(known)
    async with asyncio.TaskGroup() as waiting:
        for way in (way for way in ways if not way.stays):
            correlation = await desk.send(
                ReplayRequested(dead_letter=way.letter.letter.dead_letter, **requests.command_header())
            )
            begun.append(waiting.create_task(_told(desk, way.letter, correlation, patience, tell)))
            await asyncio.sleep(1 / rate)  # the pace that was asked for
    return [*results, *[task.result() for task in begun]]


def _closed(way: Route) -> How:
    return "stays" if way.letter.open else "nothing to do"


async def _told(desk: Desk, letter: DeadLetter, correlation: str, patience: float, tell: Tell) -> Result:
    found = await heard(desk, letter, correlation, patience)
    tell(found)
    return found


async def heard(desk: Desk, letter: DeadLetter, correlation: str, patience: float, tried: str = "") -> Result:
    """What comes of a command within so many seconds; a record is handled at once, or it is not."""
    wait = min(patience, HANDLED) if letter.letter.record else patience
    id_ = letter.letter.dead_letter
    found = await desk.until(lambda: result(letter, desk.story(correlation, id_), tried), wait)
    return found or silent(letter, desk.story(correlation, id_), wait)
