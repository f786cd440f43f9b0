"""A return request as the shop holds it, and why one cannot be used."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from contracts.reasons import Reason
from services.accounting.documents.unbookable import Unbookable


@dataclass(frozen=True, slots=True)
class Wanted:
    """So much of a line, a product or variation, or a SKU; the first that is named counts."""

    quantity: Decimal
    line: int | None = None
    product: int | None = None
    sku: str = ""

    @property
    def name(self) -> str:
        """How it is named to a person."""
        if self.line is not None:
            return f"line {self.line}"
        return f"product {self.product}" if self.product is not None else f"SKU {self.sku}"


@dataclass(frozen=True, slots=True)
class Request:
    """`id` is its own within the order."""

    id: str
    lines: tuple[Wanted, ...]


class RequestInvalid(Unbookable):
    """A request that cannot be read, does not fit its order, or is not there."""

    def __init__(self, detail: str) -> None:
        super().__init__(Reason.REFUND_REQUEST_INVALID, detail)
