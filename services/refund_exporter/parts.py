"""One part of a refund: how much of which line of the Sale is given back."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from services.refund_exporter.basis import BasisLine


@dataclass(frozen=True, slots=True)
class Part:
    """`amount` is gross. `quantity` is what came back of goods, 0 where only money did.

    `tax_alone`: the net amount stays as it is. `item`: a service item that stands in for the line's own; with
    `on_line` false it stands for several lines, and `line` only lends its VAT rate.
    """

    line: BasisLine
    amount: Decimal
    quantity: Decimal = Decimal(0)
    tax_alone: bool = False
    item: str | None = None
    on_line: bool = True

    @property
    def is_money_for_goods(self) -> bool:
        """Money is given back on goods that stay with the buyer."""
        return self.line.recorded.kind == "product" and not self.quantity and self.item is None
