"""How this build of Balance speaks of sales orders, posting, waybills and missing stock: all of it unproven in public
sources, hence off or a guess until the settings say it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from services.settings.base import Section
from services.settings.pattern import Pattern

SHORT_STOCK = (
    r"not enough (stock|goods|quantity)|insufficient (stock|quantity)",
    r"недостаточно (остатк|товар|количеств)|не хватает (товар|остатк)",
    r"არ არის საკმარისი (ნაშთ|რაოდენობ|მარაგ)|არასაკმარისი (ნაშთ|რაოდენობ|მარაგ)",
)


class DocumentDialect(Section):
    """The names of what goes beyond a plain Sale."""

    sales_order_resource: str = Field(
        default="SalesOrders", description="or SalesOrder; used only where a rule asks for sales orders"
    )
    sales_order_reserve: Literal["lines", "automatic", "none"] = Field(
        default="lines", description="how a sales order reserves: Reserve on each line, AutomaticReservation, or not"
    )
    posted_field: str | None = Field(
        default=None, description="the field that says whether a Sale is posted; no public source names one"
    )
    waybill_field: str | None = Field(
        default=None, description="the field that says whether Balance issues the waybill; else the comment says it"
    )
    short_stock: tuple[Pattern, ...] = Field(
        default=SHORT_STOCK, description="patterns of the refusals that mean that the warehouse lacks the goods"
    )
