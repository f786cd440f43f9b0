"""The size of a run: `DAVTARI_BENCH_SIZE=small` shows in a few minutes that every benchmark works; goals do not count.

Ratios of a small run mean nothing: start-up and the first statements weigh too much in them.
"""

from __future__ import annotations

import os

SIZE = "DAVTARI_BENCH_SIZE"
SMALL = os.environ.get(SIZE) == "small"


def sized(full: int, small: int) -> int:
    """How many rounds or things to measure in this run."""
    return small if SMALL else full
