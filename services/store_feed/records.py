"""What store-feed remembers of orders and refunds, apart from hints and looks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from contracts.envelope import Cause
from contracts.model import Instant, Part
from contracts.shop import OrderChanged, OrderLine, OrderUnreadable, RefundIssued, RefundUnreadable
from services.accounting.documents.ids import digest_of
from services.engine.outbox.work import Work
from services.engine.state.records import Kind, State

# What the shop has shown of an order, and whether an answer can be its present state (claim K28).
#
# Caches answer reads with an older state. An answer is therefore compared with what the order list, a webhook or an
# earlier read has shown. An order may change twice within one second (WooCommerce fact 10), so that two
# states of one second are told apart by their content.

NEVER = datetime.min.replace(tzinfo=UTC)
CLOCK_TOLERANCE = timedelta(minutes=15)
"""A state dated later than our clock by more than this comes from a clock that is wrong: nothing is decided by it."""
StateAge = Literal["current", "older", "unclear"]


class OrderState(Part):
    """A state of an order as an answer of the shop showed it at `seen_at`; None there: nobody knows when.

    `content` is empty where only the time of the state is known; `refund_ids` are the refunds that the answer named.
    """

    modified_at: Instant
    seen_at: Instant | None = None
    content: str = ""
    refund_ids: tuple[int, ...] = ()


def state_of_order(order: OrderChanged, seen_at: datetime | None) -> OrderState:
    """The state that a readable order shows."""
    found = {"modified_at": order.modified_at, "content": _content(order), "refund_ids": order.refund_ids}
    return OrderState(**found, seen_at=seen_at)


def _content(order: OrderChanged) -> str:
    """The digest of what documents, stock and statuses depend on. Refunds are compared on their own."""
    facts = [order.status, order.currency, str(order.total), str(order.total_tax), order.paid_at, order.completed_at]
    return digest_of([*facts, [_line(line) for line in order.lines]])


def _line(line: OrderLine) -> list[str | int]:
    figures = (line.quantity, line.total, line.total_tax)
    return [line.kind, line.line_id, line.product_id, line.variation_id, *map(str, figures)]


def newest_state(candidates: Iterable[OrderState], since: datetime | None, now: datetime) -> OrderState | None:
    """The newest state that was shown after `since`; of several with one time the last whose content is known.

    States dated in the future do not count.
    """
    trusted = (one for one in candidates if since is None or _seen_at(one) > since)
    dated = (one for one in trusted if one.modified_at <= now + CLOCK_TOLERANCE)
    return max(dated, key=lambda one: (one.modified_at, bool(one.content), _seen_at(one)), default=None)


def _seen_at(one: OrderState) -> datetime:
    return one.seen_at or NEVER


def compare_states(answer: OrderState, known: OrderState | None) -> StateAge:
    """Whether an answer can be the present state; `unclear`: another content within the same second."""
    if known is None or answer.modified_at > known.modified_at:
        return "current"
    if answer.modified_at < known.modified_at:
        return "older"
    differs = answer.content and known.content and answer.content != known.content
    return "unclear" if differs else "current"


NAME = "store-feed"


class SweepCursor(Part):
    """How far the sweep of a shop has come."""

    modified_at: Instant


ORDER = Kind("order", OrderChanged)
"""By order (`shop:order`), as it was stated last; the reference is the account that it names."""
REFUND = Kind("refund", RefundIssued)
"""By refund (`shop:order:refund`); the reference is the order."""
UNREADABLE_ORDER = Kind("order-doubt", OrderUnreadable)
"""By order, while the shop's answer about it is not taken; the reference is the shop."""
UNREADABLE_REFUND = Kind("refund-doubt", RefundUnreadable)
"""By refund, the same; the reference is the order."""
SWEPT = Kind("swept", SweepCursor)


# Hints: look at this order, or account. They come from webhooks, sweeps and checks, and are served by looks.


class Hint(Part):
    """Somebody said: look at this. `asked` orders hints and looks (microseconds).

    `digest` is that of the order which the sweep has hinted at: it hints once at each state. `shown` is the newest
    state that hints have shown, from the order list or the body of a webhook.
    """

    asked: int
    digest: str = ""
    shown: OrderState | None = None


class LastRead(Part):
    """The last look: when it was, which hint it served, and the digest of the order as it was read.

    Modification times are not enough: an order may change twice in one second (WooCommerce fact 10).
    `again_at`: when to look again without a hint, where the answer was not taken as it is.
    """

    served: int
    digest: str = ""
    at: Instant | None = None
    again_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class HintKind:
    """A sort of things that are looked at, each known as `shop:id`; `subject` begins the subject of its decisions."""

    hint: Kind[Hint]
    looked: Kind[LastRead]
    subject: str = ""


HINT = Kind("hint", Hint)
LAST_READ = Kind("looked", LastRead)
ORDERS = HintKind(HINT, LAST_READ)
CUSTOMERS = HintKind(Kind("customer-hint", Hint), Kind("customer-looked", LastRead), "customer ")


@dataclass(frozen=True, slots=True)
class HintSource:
    """What brought a hint about: its cause, the digest of the order that the sweep saw, and the state it showed."""

    cause: Cause | None = None
    digest: str = ""
    shown: OrderState | None = None


def next_asked(now: datetime, looked: LastRead | None) -> int:
    """The `asked` of a hint made now: later than every look so far, even where a clock was set back."""
    moment = int(now.timestamp() * 1_000_000)
    return max(moment, looked.served + 1) if looked else moment


async def request_refreshes(work: Work, things: Mapping[str, HintSource], sort: HintKind = ORDERS) -> None:
    """Have things (`shop:id`) looked at."""
    looked, hinted = await work.get_many(sort.looked, things), await work.get_many(sort.hint, things)
    for key, why in things.items():
        newest = _newest(why.shown, hinted.get(key))
        work.put(sort.hint, key, Hint(asked=next_asked(work.now, looked.get(key)), digest=why.digest, shown=newest))
        work.touch(sort.subject + key, why.cause)


def request_refresh(keys: Iterable[str], kind: HintKind, state: State) -> None:
    """The same by a rule that remembers an event."""
    wanted = list(keys)
    hinted, looked = state.get_many(kind.hint, wanted), state.get_many(kind.looked, wanted)
    for key in wanted:
        known = _newest(None, hinted.get(key))
        state.put(kind.hint, key, Hint(asked=next_asked(state.now, looked.get(key)), shown=known))
        state.touch(kind.subject + key)


def _newest(shown: OrderState | None, hinted: Hint | None) -> OrderState | None:
    """The newest state that hints have shown; of two within one second the last whose content is known."""
    known = hinted.shown if hinted else None
    if shown is None or known is None:
        return shown or known
    same_second = shown.modified_at == known.modified_at
    return shown if shown.modified_at > known.modified_at or (same_second and shown.content) else known


def pending_hint(key: str, sort: HintKind, state: State) -> Hint | None:
    """The hint that no look has served yet: a thousand hints make one look."""
    hint, looked = state.get(sort.hint, key), state.get(sort.looked, key)
    return None if hint is None or (looked is not None and looked.served >= hint.asked) else hint
