"""A snapshot against what was observed before: a merge of two sorted streams, in one pass and flat memory."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from dataclasses import dataclass, field

from services.balance_feed.scratch import Group

Known = tuple[str, str]
"""A key and its digest."""
AT_ONCE = 1000


@dataclass(slots=True)
class Differences:
    """What one stretch of a snapshot says: groups that differ (`new` of them never seen), keys that are missing."""

    differing: list[Group] = field(default_factory=list)
    new: int = 0
    missing: list[str] = field(default_factory=list)
    unchanged: int = 0

    @property
    def size(self) -> int:
        """How much there is to write."""
        return len(self.differing) + len(self.missing)

    def take(self, group: Group | None, known: Known | None) -> None:
        """Count one key: in the snapshot, known, or both."""
        if group is None:
            self.missing += [known[0]] if known else []
        elif known is not None and known[1] == group.digest:
            self.unchanged += 1
        else:
            self.differing.append(group)
            self.new += known is None


async def differences(groups: Iterable[Group], known: AsyncIterator[Known]) -> AsyncGenerator[Differences, None]:
    """Compare sorted groups with sorted (key, digest) pairs; stretches of at most `AT_ONCE` differences."""
    found = Differences()
    async for group, one in _merged(groups, known):
        found.take(group, one)
        if found.size >= AT_ONCE:
            yield found
            found = Differences()
    yield found


async def _merged(
    groups: Iterable[Group], known: AsyncIterator[Known]
) -> AsyncIterator[tuple[Group | None, Known | None]]:
    source = iter(groups)
    group = next(source, None)
    async for one in known:
        while group is not None and group.key < one[0]:
            yield group, None
            group = next(source, None)
        if group is not None and group.key == one[0]:
            yield group, one
            group = next(source, None)
        else:
            yield None, one
    while group is not None:
        yield group, None
        group = next(source, None)
