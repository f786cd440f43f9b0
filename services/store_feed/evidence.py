"""What the shop has shown of an order, and whether an answer can be its present state (claim K28).

Caches answer reads with an older state. An answer is therefore compared with what the order list, a webhook or an
earlier read has shown. Times are whole seconds and an order changes several times within one (API fact), so that two
states of one second are told apart by their content.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Literal

from contracts.model import Instant, Part
from contracts.shop import OrderChanged, OrderLine
from services.accounting.documents.digest import digest_of

NEVER = datetime.min.replace(tzinfo=UTC)
CLOCK_TOLERANCE = timedelta(minutes=15)
"""A state dated later than our clock by more than this comes from a clock that is wrong: nothing is decided by it."""
Verdict = Literal["current", "older", "unclear"]


class Shown(Part):
    """A state of an order as an answer of the shop showed it at `seen_at`; None there: nobody knows when.

    `content` is empty where only the time of the state is known; `refund_ids` are the refunds that the answer named.
    """

    modified_at: Instant
    seen_at: Instant | None = None
    content: str = ""
    refund_ids: tuple[int, ...] = ()


def shown(order: OrderChanged, seen_at: datetime | None) -> Shown:
    """The state that a readable order shows."""
    found = {"modified_at": order.modified_at, "content": _content(order), "refund_ids": order.refund_ids}
    return Shown(**found, seen_at=seen_at)


def _content(order: OrderChanged) -> str:
    """The digest of what documents, stock and statuses depend on. Refunds are compared on their own."""
    facts = [order.status, order.currency, str(order.total), str(order.total_tax), order.paid_at, order.completed_at]
    return digest_of([*facts, [_line(line) for line in order.lines]])


def _line(line: OrderLine) -> list[str | int]:
    figures = (line.quantity, line.total, line.total_tax)
    return [line.kind, line.line_id, line.product_id, line.variation_id, *map(str, figures)]


def newest(candidates: Iterable[Shown], since: datetime | None, now: datetime) -> Shown | None:
    """The newest state that was shown after `since`; of several with one time the last whose content is known.

    States dated in the future do not count.
    """
    trusted = (one for one in candidates if since is None or _seen_at(one) > since)
    dated = (one for one in trusted if one.modified_at <= now + CLOCK_TOLERANCE)
    return max(dated, key=lambda one: (one.modified_at, bool(one.content), _seen_at(one)), default=None)


def _seen_at(one: Shown) -> datetime:
    return one.seen_at or NEVER


def judge(answer: Shown, known: Shown | None) -> Verdict:
    """Whether an answer can be the present state; `unclear`: another content within the same second."""
    if known is None or answer.modified_at > known.modified_at:
        return "current"
    if answer.modified_at < known.modified_at:
        return "older"
    differs = answer.content and known.content and answer.content != known.content
    return "unclear" if differs else "current"
