"""Supplies the tests with recorded orders, each order once."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from services.connectors.woocommerce.exact_taxes import may_be_rounded
from services.demo.steps import OrderSelection, select_orders
from services.sandbox.recorded import get_recording


@dataclass(slots=True)
class OrderSupply:
    """Supplies recorded orders that were not placed yet, in a fixed order."""

    chosen: OrderSelection = field(default_factory=select_orders)
    _plain: list[int] = field(default_factory=list)
    _refunded: dict[int, list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        refunds: defaultdict[int, list[int]] = defaultdict(list)
        for order_id, refund_id, _ in self.chosen.refunds:
            refunds[order_id].append(refund_id)
        self._refunded = dict(refunds)
        self._plain = [order_id for order_id in self.chosen.orders if order_id not in refunds]

    def orders(self, count: int) -> list[int]:
        """Orders without a refund."""
        taken, self._plain = self._plain[:count], self._plain[count:]
        assert len(taken) == count, "all recorded orders are used"
        return taken

    def order(self) -> int:
        """One order without a refund."""
        return self.orders(1)[0]

    def order_read_once(self) -> int:
        """One order whose taxes the shop answers unrounded, so that it is not read a second time for them."""
        return self.take(next(one for one in self._plain if not may_be_rounded(get_recording(one).order)))

    def take(self, order_id: int) -> int:
        """Take this order out of the supply."""
        self._plain.remove(order_id)
        return order_id

    def order_of_a_person(self) -> int:
        """One order whose buyer gave a personal or company number, so that a client is made in Balance."""
        return self.take(next(order_id for order_id in self._plain if "_billing_" in get_recording(order_id).notes))

    def refunded(self) -> tuple[int, list[int]]:
        """An order with its refunds, to be issued in this order."""
        order_id = next(iter(self._refunded))
        return order_id, self._refunded.pop(order_id)
