"""Hints: look at this order. They come from webhooks, from the sweep and from checks, and are served by looks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from contracts.envelope import Cause
from contracts.model import Instant, Part
from services.shared.delivery.work import Work
from services.shared.state.records import Kind


class Hint(Part):
    """Somebody said: look at this order. `asked` orders hints and looks (microseconds).

    `modified_at` is the state of the order that the sweep has hinted at: it hints once at each.
    """

    asked: int
    modified_at: Instant | None = None


class Looked(Part):
    """The last look at an order: which hint it served, and the order's modification time then."""

    served: int
    modified_at: Instant | None = None


HINT = Kind("hint", Hint)
LOOKED = Kind("looked", Looked)


@dataclass(frozen=True, slots=True)
class Why:
    """What brought a hint about: its cause, and the state that the sweep saw."""

    cause: Cause | None = None
    modified_at: datetime | None = None


def newer(now: datetime, looked: Looked | None) -> int:
    """The `asked` of a hint made now: later than every look so far, even where a clock was set back."""
    moment = int(now.timestamp() * 1_000_000)
    return max(moment, looked.served + 1) if looked else moment


async def hint_at(work: Work, orders: Mapping[str, Why]) -> None:
    """Have orders (`shop:id`) looked at."""
    looked = await work.get_many(LOOKED, orders)
    for key, why in orders.items():
        work.put(HINT, key, Hint(asked=newer(work.now, looked.get(key)), modified_at=why.modified_at))
        work.touch(key, why.cause)
