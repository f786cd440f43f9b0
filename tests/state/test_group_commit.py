"""Many submitters share few commits, and each of them gets the failure of its commit."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from services.engine.state.group_commit import GroupCommit


class BlockedCommits:
    """Accepts commits; each waits for `unblock`, so that items gather meanwhile."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.unblock = asyncio.Event()
        self.failing = False

    async def commit(self, items: Sequence[int]) -> None:
        self.groups.append(list(items))
        await self.unblock.wait()
        if self.failing:
            raise OSError("disk full")


async def submit_each(commits: GroupCommit[int], *items: int) -> list[asyncio.Task[None]]:
    """Submit each item in its own task and let the tasks start."""
    tasks = [asyncio.create_task(commits.submit(item)) for item in items]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


async def test_items_submitted_during_a_commit_share_the_next_one() -> None:
    commits_made = BlockedCommits()
    commits = GroupCommit(commits_made.commit)
    tasks = await submit_each(commits, 1)
    tasks += await submit_each(commits, 2, 3, 4)
    commits_made.unblock.set()
    await asyncio.gather(*tasks)
    assert commits_made.groups == [[1], [2, 3, 4]]


async def test_submit_returns_only_after_the_commit() -> None:
    commits_made = BlockedCommits()
    (task,) = await submit_each(GroupCommit(commits_made.commit), 1)
    assert commits_made.groups == [[1]]
    assert not task.done()
    commits_made.unblock.set()
    await task


async def test_a_group_is_never_larger_than_allowed() -> None:
    commits_made = BlockedCommits()
    commits_made.unblock.set()
    await asyncio.gather(*await submit_each(GroupCommit(commits_made.commit, largest=2), 1, 2, 3, 4, 5))
    assert [len(group) for group in commits_made.groups] == [2, 2, 1]


async def test_a_failure_reaches_every_submitter_of_its_group_and_no_other() -> None:
    commits_made = BlockedCommits()
    commits = GroupCommit(commits_made.commit)
    tasks = await submit_each(commits, 1)
    tasks += await submit_each(commits, 2, 3)
    commits_made.failing = True
    commits_made.unblock.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(error) for error in results] == [OSError, OSError, OSError]
    commits_made.failing = False
    await commits.submit(4)
    assert commits_made.groups[-1] == [4]


async def test_a_cancelled_submitter_does_not_disturb_the_others() -> None:
    commits_made = BlockedCommits()
    commits = GroupCommit(commits_made.commit)
    first, second = await submit_each(commits, 1, 2)
    first.cancel()
    commits_made.unblock.set()
    await second
    with pytest.raises(asyncio.CancelledError):
        await first
