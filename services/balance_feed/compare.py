"""A snapshot against what was observed before: a merge of two sorted streams, in one pass and flat memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, field

from services.balance_feed.scratch import Group

Known = tuple[str, str]
AT_ONCE = 1000


@dataclass(slots=True)
class Differences:
    """What one stretch of a snapshot says: groups new or changed, keys that are missing, how many are equal."""

    changed: list[Group] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    unchanged: int = 0

    @property
    def size(self) -> int:
        """How much there is to write."""
        return len(self.changed) + len(self.missing)


async def differences(groups: Iterable[Group], known: AsyncIterator[Known]) -> AsyncIterator[Differences]:
    """Compare sorted groups with sorted (key, digest) pairs; stretches of at most `AT_ONCE` differences."""
    found, source = Differences(), iter(groups)
    group = next(source, None)
    async for key, digest in known:
        while group is not None and group.key < key:
            found.changed.append(group)
            group = next(source, None)
            if found.size >= AT_ONCE:
                yield found
                found = Differences()
        group = _compare(found, key, digest, group, source)
    while group is not None:
        found.changed.append(group)
        group = next(source, None)
        if found.size >= AT_ONCE:
            yield found
            found = Differences()
    yield found


def _compare(found: Differences, key: str, digest: str, group: Group | None, source: Iterator[Group]) -> Group | None:
    if group is None or group.key != key:
        found.missing.append(key)
        return group
    if group.digest == digest:
        found.unchanged += 1
    else:
        found.changed.append(group)
    return next(source, None)
