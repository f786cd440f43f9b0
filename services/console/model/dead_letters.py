"""Dead letters as rows: open or closed, since when, who closed them, and which order they are about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from sqlalchemy import BigInteger, Column, Float, Index, String

from contracts.envelope import Envelope
from contracts.model import Event, Instant, Part
from contracts.operations import DeadLettered, DeadLetterSettled
from contracts.reason_texts import find_text
from services.console.model.facts import touch_order
from services.console.model.rows import metadata
from services.engine.outbox.dead_letters import order_key_of, order_of, shop_of, subject_of
from services.engine.outbox.handlers import Remember
from services.engine.state.records import Kind, State
from services.engine.state.tables import record_table

DeadLetterState = Literal["open", "replayed", "edited", "discarded", "overtaken"]


class DeadLetterRow(Part):
    """A dead letter with what closed it. `since`: its first failure, also after replays that failed again."""

    failed: DeadLettered
    since: Instant
    settled: DeadLetterSettled | None = None

    @property
    def state(self) -> DeadLetterState:
        """Open, or how it was closed."""
        return self.settled.how if self.settled else "open"

    @property
    def reason(self) -> str:
        """Its reason code."""
        return self.failed.reason

    @property
    def service(self) -> str:
        """The service that failed."""
        return self.failed.service

    @property
    def owner(self) -> str:
        """Who resolves such a reason; empty for a code that this version does not know."""
        text = find_text(self.failed.reason)
        return text.owner if text else ""

    @property
    def shop(self) -> str | None:
        """Its shop, if it has one."""
        return shop_of(self.failed)

    @property
    def order_id(self) -> int | None:
        """Its order, if it has one."""
        return order_of(self.failed)

    @property
    def subject(self) -> str:
        """Its subject: `shop:order`, `shop:item`, or the key of a record."""
        return subject_of(self.failed)

    @property
    def closed_at(self) -> Instant | None:
        """When it was closed."""
        return self.settled.at if self.settled else None

    @property
    def closed_by(self) -> str | None:
        """Who closed it."""
        return self.settled.by if self.settled else None


dead_letters = record_table(
    "dead_letters",
    metadata,
    Column("state", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("service", String, nullable=False),
    Column("owner", String, nullable=False),
    Column("shop", String),
    Column("order_id", BigInteger),
    Column("subject", String, nullable=False, index=True),
    Column("since", Float, nullable=False),
    Column("closed_at", Float),
    Column("closed_by", String),
    Index("dead_letters_by_reason", "state", "reason", "since", "key"),
    Index("dead_letters_by_time", "state", "since", "key"),
    Index("dead_letters_by_closing", "closed_at", "key"),
)
DEAD_LETTERS = Kind("dead-letter-row", DeadLetterRow, dead_letters)
"""By dead letter; the reference is the order it is about."""


def _on_dead_lettered(envelope: Envelope[DeadLettered], state: State) -> None:
    failed = envelope.data
    known, order = state.get(DEAD_LETTERS, failed.dead_letter), order_key_of(failed)
    since = known.since if known and failed.replays else failed.at
    state.put(DEAD_LETTERS, failed.dead_letter, DeadLetterRow(failed=failed, since=since), ref=order or "")
    if order:
        touch_order(order, state)


def _on_settled(envelope: Envelope[DeadLetterSettled], state: State) -> None:
    settled = envelope.data
    known = state.get(DEAD_LETTERS, settled.dead_letter)
    if known is None:
        return
    order = order_key_of(known.failed)
    row = DeadLetterRow(failed=known.failed, since=known.since, settled=settled)
    state.put(DEAD_LETTERS, settled.dead_letter, row, ref=order or "")
    if order:
        touch_order(order, state)


DEAD_LETTER_RULES: Mapping[type[Event], Remember] = {
    DeadLettered: _on_dead_lettered,
    DeadLetterSettled: _on_settled,
}
