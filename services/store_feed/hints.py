"""Hints: look at this order, or account. They come from webhooks, sweeps and checks, and are served by looks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from contracts.envelope import Cause
from contracts.model import Instant, Part
from services.engine.outbox.work import Work
from services.engine.state.records import Kind, State
from services.store_feed.evidence import Shown


class Hint(Part):
    """Somebody said: look at this. `asked` orders hints and looks (microseconds).

    `digest` is that of the order which the sweep has hinted at: it hints once at each state. `shown` is the newest
    state that hints have shown, from the order list or the body of a webhook.
    """

    asked: int
    digest: str = ""
    shown: Shown | None = None


class Looked(Part):
    """The last look: when it was, which hint it served, and the digest of the order as it was read.

    Modification times would not do: they are whole seconds, and an order changes twice within one (API fact).
    `again_at`: when to look again without a hint, where the answer was not taken as it is.
    """

    served: int
    digest: str = ""
    at: Instant | None = None
    again_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class Sort:
    """A sort of things that are looked at, each known as `shop:id`; `subject` begins the subject of its decisions."""

    hint: Kind[Hint]
    looked: Kind[Looked]
    subject: str = ""


HINT = Kind("hint", Hint)
LOOKED = Kind("looked", Looked)
ORDERS = Sort(HINT, LOOKED)
CUSTOMERS = Sort(Kind("customer-hint", Hint), Kind("customer-looked", Looked), "customer ")


@dataclass(frozen=True, slots=True)
class Why:
    """What brought a hint about: its cause, the digest of the order that the sweep saw, and the state it showed."""

    cause: Cause | None = None
    digest: str = ""
    shown: Shown | None = None


def newer(now: datetime, looked: Looked | None) -> int:
    """The `asked` of a hint made now: later than every look so far, even where a clock was set back."""
    moment = int(now.timestamp() * 1_000_000)
    return max(moment, looked.served + 1) if looked else moment


async def hint_at(work: Work, things: Mapping[str, Why], sort: Sort = ORDERS) -> None:
    """Have things (`shop:id`) looked at."""
    looked, hinted = await work.get_many(sort.looked, things), await work.get_many(sort.hint, things)
    for key, why in things.items():
        newest = _newest(why.shown, hinted.get(key))
        work.put(sort.hint, key, Hint(asked=newer(work.now, looked.get(key)), digest=why.digest, shown=newest))
        work.touch(sort.subject + key, why.cause)


def wonder(keys: Iterable[str], sort: Sort, state: State) -> None:
    """The same by a rule that remembers an event."""
    wanted = list(keys)
    hinted, looked = state.get_many(sort.hint, wanted), state.get_many(sort.looked, wanted)
    for key in wanted:
        known = _newest(None, hinted.get(key))
        state.put(sort.hint, key, Hint(asked=newer(state.now, looked.get(key)), shown=known))
        state.touch(sort.subject + key)


def _newest(shown: Shown | None, hinted: Hint | None) -> Shown | None:
    """The newest state that hints have shown; of two within one second the last whose content is known."""
    known = hinted.shown if hinted else None
    if shown is None or known is None:
        return shown or known
    same_second = shown.modified_at == known.modified_at
    return shown if shown.modified_at > known.modified_at or (same_second and shown.content) else known


def unserved(key: str, sort: Sort, state: State) -> Hint | None:
    """The hint that no look has served yet: a thousand hints make one look."""
    hint, looked = state.get(sort.hint, key), state.get(sort.looked, key)
    return None if hint is None or (looked is not None and looked.served >= hint.asked) else hint
