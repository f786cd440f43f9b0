"""Snapshots are compared in one pass: every difference once, in stretches, whatever the order of the rows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.balance_feed import scratch
from services.balance_feed.scratch import Differences, RowGroup, ScratchFile, StagedRow, compare_groups, pack_row

SALT = b"one way"
keys = st.text("abcé𝄞", min_size=1, max_size=3)
digests = st.sampled_from(["1", "2"])


def nothing(_: str) -> str:
    return ""


async def listed(known: dict[str, str]) -> AsyncIterator[tuple[str, str]]:
    """What was observed before, sorted by key."""
    for key in sorted(known):
        yield key, known[key]


def groups(rows: list[StagedRow], joined: Callable[[str], str] = nothing, salt: bytes = SALT) -> list[RowGroup]:
    """The rows, through a scratch file."""
    with ScratchFile(salt) as scratch:
        scratch.put(rows)
        return list(scratch.groups(joined))


@pytest.fixture
def stretch(monkeypatch: pytest.MonkeyPatch) -> int:
    """Short stretches."""
    monkeypatch.setattr(scratch, "AT_ONCE", 3)
    return 3


async def stretches(found: dict[str, str], known: dict[str, str]) -> list[Differences]:
    """The comparison of a snapshot with what is known, both as digests by key."""
    snapshot = [RowGroup(key, found[key], []) for key in sorted(found)]
    return [each async for each in compare_groups(snapshot, listed(known))]


@given(found=st.dictionaries(keys, digests), known=st.dictionaries(keys, digests))
async def test_every_key_counts_once_as_new_changed_missing_or_unchanged(
    found: dict[str, str], known: dict[str, str]
) -> None:
    parts = await stretches(found, known)

    assert [group.key for part in parts for group in part.differing] == [
        key for key in sorted(found) if known.get(key) != found[key]
    ]
    assert [key for part in parts for key in part.missing] == sorted(known.keys() - found.keys())
    assert sum(part.new for part in parts) == len(found.keys() - known.keys())
    assert sum(part.unchanged for part in parts) == sum(known.get(key) == digest for key, digest in found.items())


@pytest.mark.parametrize(
    ("found", "known"),
    [
        (range(20), range(0)),
        (range(0), range(20)),
        (range(20), range(20)),
        (range(0, 20, 2), range(1, 20, 2)),
    ],
    ids=["all new", "all missing", "all changed", "nothing in common"],
)
async def test_no_stretch_grows_with_the_snapshot(stretch: int, found: range, known: range) -> None:
    parts = await stretches({f"{n:02}": "1" for n in found}, {f"{n:02}": "2" for n in known})

    assert max(part.size for part in parts) <= stretch
    assert sum(part.size for part in parts) == len(set(found) | set(known))


def test_rows_in_another_order_have_the_same_digest() -> None:
    one, two = StagedRow("a", "", {"x": 1, "y": 2}), StagedRow("a", "", {"x": 3})

    assert groups([one, two]) == groups([two, StagedRow("a", "", {"y": 2, "x": 1})])


def test_what_is_joined_and_the_way_facts_are_made_count_into_the_digest() -> None:
    row = [StagedRow("a", "main", {"x": 1})]

    reported = {groups(row)[0].digest, groups(row, str.upper)[0].digest, groups(row, nothing, b"another way")[0].digest}

    assert len(reported) == 3


def test_what_the_snapshot_lacks_is_kept_on_disk_too() -> None:
    with ScratchFile(SALT) as scratch:
        scratch.add_missing(["a", "b"])
        scratch.add_missing([])
        scratch.add_missing(["c"])

        assert list(scratch.missing(2)) == [["a", "b"], ["c"]]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("12.50"), '"12.50"'),
        (Decimal("1E+3"), '"1000"'),
        (Decimal("1E-7"), '"0.0000001"'),
        (7, "7"),
        (123456789012345678901234567890, '"123456789012345678901234567890"'),
        (
            [{"Coefficient": 10**20, "Flag": True, "None": None}],
            f'[{{"Coefficient":"{10**20}","Flag":true,"None":null}}]',
        ),
    ],
)
def test_exact_numbers_survive_the_scratch_file(value: Any, text: str) -> None:
    assert pack_row({"Barcode": value}).decode() == f'{{"Barcode":{text}}}'
