"""Random interleavings of buyers, Balance, readings and our own writes: nothing is promised twice.

The truth of the model: pieces lie in Balance; buyers order in the shop, which takes them off its own stock at once;
later a Sale takes them out of Balance. What we see of it arrives late, in the order of each topic.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.model import Event
from services.stock_publisher.records import StockWrite
from tests.stock_publisher.stock_bench import SUBJECT, link, order, publisher, row, sale, stock
from tests.support.memory_state import NOON, Consumer

TOPICS = ("orders", "stock", "ledger")


@dataclass
class Trade:
    """Balance with ten pieces, the shop, three orders to come, and a publisher that hears of it late."""

    balance: int = 10
    shop: int = 10
    now: datetime = NOON
    open: dict[int, int] = field(default_factory=dict)
    sold_at: dict[int, datetime] = field(default_factory=dict)
    heard_open: dict[int, int] = field(default_factory=dict)
    reading: tuple[datetime, int] = (NOON, 10)
    pending: dict[str, deque[tuple[Event, Callable[[], None]]]] = field(default_factory=dict)
    on_its_way: StockWrite | None = None
    publisher: Consumer = field(default_factory=publisher)

    def __post_init__(self) -> None:
        self.pending = {topic: deque() for topic in TOPICS}
        self.publisher.take(link(), stock(row("10"), at=NOON))

    def step(self, what: str, number: int) -> None:
        """Something happens, one second later."""
        self.now += timedelta(seconds=1)
        self.publisher.state.now = self.now
        getattr(self, what)(number)

    def buy(self, number: int) -> None:
        if number not in self.open and number not in self.sold_at:
            self.open[number] = number
            self.shop -= number
            self._order(number, "processing")

    def cancel(self, number: int) -> None:
        if pieces := self.open.pop(number, None):
            self.shop += pieces
            self._order(number, "cancelled")

    def _order(self, number: int, status: str) -> None:
        pieces = number if status == "processing" else 0

        def heard() -> None:
            self.heard_open[number] = pieces

        self.pending["orders"].append((order(number, str(number), status, at=self.now), heard))

    def sell(self, number: int) -> None:
        if number in self.open and number not in self.sold_at:
            self.balance -= number
            self.sold_at[number] = self.now
            self.pending["ledger"].append((sale(number, str(number), self.now), lambda: None))

    def receive(self, number: int) -> None:
        self.balance += number

    def read(self, _: int) -> None:
        """The feed states a reading only when it differs from the last one."""
        stated = self.pending["stock"][-1][0] if self.pending["stock"] else None
        last = stated.rows[0].quantity if stated else self.reading[1]  # type: ignore[attr-defined]
        if last != self.balance:
            seen = (self.now, self.balance)

            def heard() -> None:
                self.reading = seen

            self.pending["stock"].append((stock(row(str(self.balance)), at=self.now), heard))

    def hear(self, number: int) -> None:
        if waiting := self.pending[TOPICS[number % 3]]:
            event, heard = waiting.popleft()
            self.publisher.take(event)
            heard()

    def send(self, _: int) -> None:
        """A write leaves; it may arrive much later."""
        decision = self.publisher.again(SUBJECT, self.now)
        if self.on_its_way is None and decision.deliveries:
            self.on_its_way = StockWrite.model_validate(decision.deliveries[0].payload)

    def arrive(self, _: int) -> None:
        if self.on_its_way is not None:
            self.shop = self.on_its_way.quantity
            self.publisher.take(self.on_its_way.published("live", self.now))
            self.on_its_way = None

    def catch_up(self, _: int) -> None:
        """A quiet while: all is read, heard and written."""
        self.read(0)
        for topic in range(3):
            while self.pending[TOPICS[topic]]:
                self.hear(topic)
        for what in (self.arrive, self.send, self.arrive):
            what(0)

    def figure(self) -> int:
        """The figure that is wanted now, whether it must be written or not."""
        fresh = Consumer(self.publisher.handlers, self.publisher.state)
        known = {key: value for key, value in fresh.state.records.items() if key[0] != "published"}
        fresh.state = type(fresh.state)(self.now, known, dict(self.publisher.state.refs))
        return StockWrite.model_validate(fresh.again(SUBJECT, self.now).deliveries[0].payload).quantity

    def free(self) -> int:
        """What may be promised, given what was heard: the reading less the open orders whose Sale it cannot contain."""
        read_at, quantity = self.reading
        sold = {number for number, at in self.sold_at.items() if at < read_at}
        return quantity - sum(pieces for number, pieces in self.heard_open.items() if number not in sold)

    def come_to_rest(self) -> None:
        """Nobody buys any more; everything is heard, and every write arrives."""
        for _ in range(3):
            self.step("catch_up", 0)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "buy",
                "buy",
                "cancel",
                "sell",
                "receive",
                "read",
                "hear",
                "hear",
                "send",
                "arrive",
                "catch_up",
                "catch_up",
            ]
        ),
        st.integers(1, 3),
    ),
    max_size=40,
)


@pytest.mark.claim("K1", "I1", "S3.40", "S3.41")
@settings(max_examples=300, deadline=None)
@given(steps=STEPS)
def test_the_figure_never_exceeds_what_is_free_and_the_shop_comes_to_hold_it(steps: list[tuple[str, int]]) -> None:
    trade = Trade()
    for what, number in steps:
        trade.step(what, number)
        assert trade.figure() <= max(trade.free(), 0)
    trade.come_to_rest()
    assert not any(trade.pending.values())
    assert trade.figure() <= max(trade.free(), 0)
    assert trade.shop == trade.figure()


@pytest.mark.claim("K1")
def test_when_all_is_sold_and_read_the_shop_holds_what_balance_holds() -> None:
    trade = Trade()
    story: list[tuple[str, Any]] = [("buy", 3), ("hear", 0), ("sell", 3), ("read", 0), ("hear", 1), ("hear", 2)]
    for what, number in story:
        trade.step(what, number)
    trade.come_to_rest()
    assert (trade.balance, trade.shop) == (7, 7)
