"""Giving dead letters up, one or many, each with who did so and why."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from contracts.operations import CommandSettled, DiscardRequested
from services.cli import requests
from services.cli.dead_letter_log import DeadLetter
from services.cli.dead_letters.desk import Desk
from services.cli.dead_letters.results import Result, silent


async def discard_all(desk: Desk, letters: Sequence[DeadLetter], why: str, patience: float) -> list[Result]:
    """Give letters up; `patience` seconds for the answers of their services."""
    results = [Result(one, "nothing to do", f"{one.settled.how} already") for one in letters if one.settled]
    async with asyncio.TaskGroup() as answering:
        asked = [answering.create_task(_discard(desk, one, why, patience)) for one in letters if one.open]
    return [*results, *(task.result() for task in asked)]


async def _discard(desk: Desk, letter: DeadLetter, why: str, patience: float) -> Result:
    id_ = letter.letter.dead_letter
    correlation = await desk.send(DiscardRequested(dead_letter=id_, why=why, **requests.command_header()))
    answer = await desk.until(lambda: _answer(desk, correlation, id_), patience)
    if answer is None:
        return silent(letter, [], patience)
    already = "was already" in answer.detail
    if answer.outcome == "refused":
        return Result(letter, "nothing to do" if already else "refused", answer.detail)
    return Result(letter, "done", f"given up: {why}")


def _answer(desk: Desk, correlation: str, dead_letter: str) -> CommandSettled | None:
    story = desk.story(correlation, dead_letter)
    return next((event for event in story if isinstance(event, CommandSettled)), None)
