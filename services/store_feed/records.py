"""What store-feed remembers: orders and refunds, hints to read them, and the states that the shop has shown.

A hint comes from a webhook, a sweep or a check; a read of the order or account serves it.

Caches answer reads with older states. So an answer is compared with what the order list, a webhook or an earlier read
has shown (claim K28). Times are whole seconds, and an order can change several times within one (WooCommerce fact 10):
two states of the same second are distinguished by their content.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from contracts.envelope import Cause
from contracts.json_text import digest_of
from contracts.model import Instant, Part
from contracts.shop import OrderChanged, OrderLine, OrderUnreadable, RefundIssued, RefundUnreadable
from services.engine.outbox.work import Work
from services.engine.state.records import Kind, State

NEVER = datetime.min.replace(tzinfo=UTC)
CLOCK_TOLERANCE = timedelta(minutes=15)
"""A state whose date was later than our clock by more than this when it was seen is never believed."""
StateAge = Literal["current", "older", "unclear"]


class OrderState(Part):
    """A state of an order as an answer of the shop showed it at `seen_at`; None if that time is unknown.

    `content` is empty if only the time of the state is known; `refund_ids` are the refunds in the answer.
    """

    modified_at: Instant
    seen_at: Instant | None = None
    content: str = ""
    refund_ids: tuple[int, ...] = ()


def state_of_order(order: OrderChanged, seen_at: datetime | None) -> OrderState:
    """Return the state of a readable order."""
    found = {"modified_at": order.modified_at, "content": _content(order), "refund_ids": order.refund_ids}
    return OrderState(**found, seen_at=seen_at)


def _content(order: OrderChanged) -> str:
    """The digest of what documents, stock and statuses depend on. Refunds are compared separately."""
    facts = [order.status, order.currency, str(order.total), str(order.total_tax), order.paid_at, order.completed_at]
    return digest_of([*facts, [_line(line) for line in order.lines]])


def _line(line: OrderLine) -> list[str | int]:
    figures = (line.quantity, line.total, line.total_tax)
    return [line.kind, line.line_id, line.product_id, line.variation_id, *map(str, figures)]


def newest_state(candidates: Iterable[OrderState], since: datetime | None, now: datetime) -> OrderState | None:
    """Return the newest state shown after `since`; of several with the same time, the last with known content."""
    trusted = (one for one in candidates if since is None or _seen_at(one) > since)
    dated = (one for one in trusted if is_dated_plausibly(one, now))
    return max(dated, key=lambda one: (one.modified_at, bool(one.content), _seen_at(one)), default=None)


def is_dated_plausibly(one: OrderState, now: datetime) -> bool:
    """Whether a state was not in the future when it was seen.

    Whoever controls the shop can date a webhook or an answer. A date in the future must not become true with time, or
    every genuine answer until then would look outdated.
    """
    return one.modified_at <= min(one.seen_at or now, now) + CLOCK_TOLERANCE


def _seen_at(one: OrderState) -> datetime:
    return one.seen_at or NEVER


def compare_states(answer: OrderState, known: OrderState | None) -> StateAge:
    """Return whether an answer can be the current state; `unclear`: other content within the same second."""
    if known is None or answer.modified_at > known.modified_at:
        return "current"
    if answer.modified_at < known.modified_at:
        return "older"
    differs = answer.content and known.content and answer.content != known.content
    return "unclear" if differs else "current"


NAME = "store-feed"


class SweepCursor(Part):
    """The time up to which the sweep of a shop has read changes."""

    modified_at: Instant


ORDER = Kind("order", OrderChanged)
"""By order (`shop:order`), as published last; the reference is its customer account."""
REFUND = Kind("refund", RefundIssued)
"""By refund (`shop:order:refund`); the reference is the order."""
UNREADABLE_ORDER = Kind("order-doubt", OrderUnreadable)
"""By order, while it cannot be read; the reference is the shop."""
UNREADABLE_REFUND = Kind("refund-doubt", RefundUnreadable)
"""By refund, the same; the reference is the order."""
SWEPT = Kind("swept", SweepCursor)


class Hint(Part):
    """A request to read an order or account. `asked` gives hints and reads an order in time (microseconds).

    `digest` is that of the order in the list of the sweep, which hints once at each state. `shown` is the newest state
    that hints have shown, from the order list or a webhook.
    """

    asked: int
    digest: str = ""
    shown: OrderState | None = None


class LastRead(Part):
    """The last read: when it was, the `asked` of the hint it served, and the digest of the order as it was read.

    Modification times are not sufficient: an order can change twice within a second (WooCommerce fact 10). `again_at`:
    when to read again without a hint, if the answer could not be used.
    """

    served: int
    digest: str = ""
    at: Instant | None = None
    again_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class HintKind:
    """What a hint is about: orders or accounts, each with the key `shop:id`; `subject` is the prefix of subjects."""

    hint: Kind[Hint]
    looked: Kind[LastRead]
    subject: str = ""


HINT = Kind("hint", Hint)
LAST_READ = Kind("looked", LastRead)
ORDERS = HintKind(HINT, LAST_READ)
CUSTOMERS = HintKind(Kind("customer-hint", Hint), Kind("customer-looked", LastRead), "customer ")


@dataclass(frozen=True, slots=True)
class HintSource:
    """The source of a hint: its cause, the digest of the order in the sweep's list, and the state it showed."""

    cause: Cause | None = None
    digest: str = ""
    shown: OrderState | None = None


def next_asked(now: datetime, looked: LastRead | None) -> int:
    """Return the `asked` of a hint made now: later than every read so far, even if a clock was set back."""
    moment = int(now.timestamp() * 1_000_000)
    return max(moment, looked.served + 1) if looked else moment


async def request_refreshes(work: Work, things: Mapping[str, HintSource], sort: HintKind = ORDERS) -> None:
    """Request reads of orders or accounts (`shop:id`)."""
    looked, hinted = await work.get_many(sort.looked, things), await work.get_many(sort.hint, things)
    for key, why in things.items():
        newest = _newest(why.shown, hinted.get(key))
        work.put(sort.hint, key, Hint(asked=next_asked(work.now, looked.get(key)), digest=why.digest, shown=newest))
        work.touch(sort.subject + key, why.cause)


def request_refresh(keys: Iterable[str], kind: HintKind, state: State) -> None:
    """Request reads in a rule that remembers an event."""
    wanted = list(keys)
    hinted, looked = state.get_many(kind.hint, wanted), state.get_many(kind.looked, wanted)
    for key in wanted:
        known = _newest(None, hinted.get(key))
        state.put(kind.hint, key, Hint(asked=next_asked(state.now, looked.get(key)), shown=known))
        state.touch(kind.subject + key)


def _newest(shown: OrderState | None, hinted: Hint | None) -> OrderState | None:
    """The newest state that hints have shown; of two within the same second, the last with known content."""
    known = hinted.shown if hinted else None
    if shown is None or known is None:
        return shown or known
    same_second = shown.modified_at == known.modified_at
    return shown if shown.modified_at > known.modified_at or (same_second and shown.content) else known


def pending_hint(key: str, sort: HintKind, state: State) -> Hint | None:
    """Return the hint that no read has served yet: any number of hints cause one read."""
    hint, looked = state.get(sort.hint, key), state.get(sort.looked, key)
    return None if hint is None or (looked is not None and looked.served >= hint.asked) else hint
