"""Asked to end, a process lets each of its services finish what is under way."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from services.cli.run import _until_signalled


class Work:
    """Runs until it is cancelled, then takes its time; a second cancellation would break that off."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self.begun = asyncio.Event()
        self.finished = False

    async def __call__(self) -> None:
        self.begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            for _ in range(self._steps):
                await asyncio.sleep(0)
            self.finished = True


async def test_all_services_finish_when_one_has_ended() -> None:
    quick, slow = Work(0), Work(500)
    stopping = asyncio.create_task(_until_signalled([quick(), slow()]))
    await asyncio.gather(quick.begun.wait(), slow.begun.wait())
    os.kill(os.getpid(), signal.SIGTERM)
    await stopping
    assert (quick.finished, slow.finished) == (True, True)


async def test_a_failure_stops_all_services_and_is_raised() -> None:
    slow = Work(500)

    async def broken() -> None:
        await slow.begun.wait()
        raise ZeroDivisionError("per piece")

    with pytest.raises(ExceptionGroup) as failed:
        await _until_signalled([broken(), slow()])
    assert failed.group_contains(ZeroDivisionError, match="per piece")
    assert slow.finished
