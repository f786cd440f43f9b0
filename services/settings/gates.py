"""What must have been read from Balance before any flow goes live, and how often that is looked at again."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from services.settings.base import Section

Lookup = Literal["Groups", "PriceTypes", "Warehouses", "Clients"]


class GateSettings(Section):
    """The gates before live flows (claim S1.8)."""

    lookups: tuple[Lookup, ...] = Field(
        default=("Groups", "PriceTypes", "Warehouses", "Clients"),
        description="what the user must be able to read in Balance; leave out what none of your flows uses",
    )
    look_again: float = Field(
        default=3600.0, gt=0, description="seconds until an open gate is looked at again: a lost right is told"
    )
