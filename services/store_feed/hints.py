"""Hints: look at this order. They come from webhooks, from the sweep and from checks, and are served by looks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from contracts.envelope import Cause
from contracts.model import Part
from services.shared.delivery.work import Work
from services.shared.state.records import Kind


class Hint(Part):
    """Somebody said: look at this order. `asked` orders hints and looks (microseconds).

    `digest` is that of the order which the sweep has hinted at: it hints once at each state.
    """

    asked: int
    digest: str = ""


class Looked(Part):
    """The last look at an order: which hint it served, and the digest of the order as it was read.

    Modification times would not do: they are whole seconds, and an order changes twice within one (API fact).
    """

    served: int
    digest: str = ""


HINT = Kind("hint", Hint)
LOOKED = Kind("looked", Looked)


@dataclass(frozen=True, slots=True)
class Why:
    """What brought a hint about: its cause, and the digest of the order that the sweep saw."""

    cause: Cause | None = None
    digest: str = ""


def newer(now: datetime, looked: Looked | None) -> int:
    """The `asked` of a hint made now: later than every look so far, even where a clock was set back."""
    moment = int(now.timestamp() * 1_000_000)
    return max(moment, looked.served + 1) if looked else moment


async def hint_at(work: Work, orders: Mapping[str, Why]) -> None:
    """Have orders (`shop:id`) looked at."""
    looked = await work.get_many(LOOKED, orders)
    for key, why in orders.items():
        work.put(HINT, key, Hint(asked=newer(work.now, looked.get(key)), digest=why.digest))
        work.touch(key, why.cause)
