"""Many submitters, few commits; whoever submitted hears of the failure."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from services.engine.state.group_commit import GroupCommit


class Ledger:
    """Takes commits; the first waits at a gate, so that others gather behind it."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.gate = asyncio.Event()
        self.failing = False

    async def commit(self, items: Sequence[int]) -> None:
        self.groups.append(list(items))
        await self.gate.wait()
        if self.failing:
            raise OSError("disk full")


async def submitted(commits: GroupCommit[int], *items: int) -> list[asyncio.Task[None]]:
    """Submit each item by a task of its own and let the tasks begin."""
    tasks = [asyncio.create_task(commits.submit(item)) for item in items]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


async def test_whoever_comes_during_a_commit_shares_the_next() -> None:
    ledger = Ledger()
    commits = GroupCommit(ledger.commit)
    tasks = await submitted(commits, 1)
    tasks += await submitted(commits, 2, 3, 4)
    ledger.gate.set()
    await asyncio.gather(*tasks)
    assert ledger.groups == [[1], [2, 3, 4]]


async def test_nobody_is_told_before_the_commit_is_through() -> None:
    ledger = Ledger()
    (task,) = await submitted(GroupCommit(ledger.commit), 1)
    assert ledger.groups == [[1]]
    assert not task.done()
    ledger.gate.set()
    await task


async def test_a_group_is_never_larger_than_allowed() -> None:
    ledger = Ledger()
    ledger.gate.set()
    await asyncio.gather(*await submitted(GroupCommit(ledger.commit, largest=2), 1, 2, 3, 4, 5))
    assert [len(group) for group in ledger.groups] == [2, 2, 1]


async def test_a_failure_reaches_every_submitter_of_its_group_and_no_other() -> None:
    ledger = Ledger()
    commits = GroupCommit(ledger.commit)
    tasks = await submitted(commits, 1)
    tasks += await submitted(commits, 2, 3)
    ledger.failing = True
    ledger.gate.set()
    told = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(error) for error in told] == [OSError, OSError, OSError]
    ledger.failing = False
    await commits.submit(4)
    assert ledger.groups[-1] == [4]


async def test_a_submitter_that_gives_up_does_not_disturb_the_others() -> None:
    ledger = Ledger()
    commits = GroupCommit(ledger.commit)
    first, second = await submitted(commits, 1, 2)
    first.cancel()
    ledger.gate.set()
    await second
    with pytest.raises(asyncio.CancelledError):
        await first
