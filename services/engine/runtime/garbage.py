"""Python's collector of cyclic garbage, set for a service: much that lasts, little garbage, large batches.

As it comes it looks through everything that lives each time a batch of events has been read, which takes a third of the
time of handling them. Nothing here makes cycles in number; the collector is only to look less often, and not at what
stood when the service began.
"""

from __future__ import annotations

import gc

YOUNG, MIDDLE, OLD = 50_000, 20, 50
"""Objects made, beyond those that have gone, until the young ones are looked at; looks until older ones are."""


def look_less_often() -> None:
    """Set the collector; once for each service of the process, when its parts stand."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
