"""From which figures the stock of a shop is computed."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import Field, model_validator

from services.settings.base import Amount, Section


class StockSettings(Section):
    """How the figure for sale is computed; nothing is published before a policy is chosen (claim S1.4)."""

    policy: Literal["single", "aggregate", "per-store"] | None = None
    warehouses: tuple[str, ...] = Field(default=(), description="uids or exact names")
    locations: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="per-store: a shop's own location → the warehouses that supply it"
    )
    location_meta_key: str = Field(default="_stock_at_location_{location}", pattern=r"\{location\}")
    subtract_reserve: bool = True
    buffer: Amount = Field(default=Decimal(0), ge=0)
    cap: Amount | None = Field(default=None, ge=0, description="never show more than this")
    share: Amount = Field(default=Decimal(1), gt=0, le=1, description="this shop's part of what is free")
    last_units: Amount = Field(default=Decimal(0), ge=0, description="so few are left to another shop")
    step: Amount = Field(default=Decimal(1), gt=0, description="the smallest piece that the shop sells, e.g. 0.5")
    expiring_days: int | None = Field(default=None, ge=0, description="lots that expire sooner are held back")
    kits: dict[str, dict[str, Amount]] = Field(
        default_factory=dict, description="item uid of a kit → item uid of a component → pieces in one kit"
    )
    manage: Literal["owner", "davtari"] = Field(
        default="owner",
        description="who decides whether a product keeps stock: `owner`: Davtari switches that on with a product's "
        "first figure and never again; `davtari`: with every figure",
    )
    drift: Literal["announce", "correct", "off"] = Field(
        default="announce", description="what happens to a figure that was changed by hand in the shop"
    )
    drift_check: float = Field(default=900.0, gt=0, description="seconds between two looks for such figures")
    drift_grace: float = Field(
        default=1200.0,
        ge=0,
        description="seconds until a change counts: orders must have been read by then",
    )
    in_flight_days: int = Field(default=14, ge=1, description="how long an order without a Sale holds its stock")

    @property
    def sold_from(self) -> tuple[str, ...]:
        """All warehouses that the shop sells from, each once."""
        behind = [entry for entries in self.locations.values() for entry in entries]
        return tuple(dict.fromkeys((*self.warehouses, *behind)))

    @model_validator(mode="after")
    def _warehouses_of_policy(self) -> StockSettings:
        if self.policy == "single" and len(self.warehouses) != 1:
            raise ValueError("policy single needs exactly one warehouse in warehouses: its uid or its exact name")
        if self.policy == "aggregate" and not self.warehouses:
            raise ValueError("policy aggregate needs the list of warehouses that are added up: uids or exact names")
        if self.policy == "per-store" and not self.sold_from:
            raise ValueError("policy per-store needs this shop's own warehouses, or locations with theirs")
        if self.locations and self.policy != "per-store":
            raise ValueError("locations go with policy per-store")
        return self

    @model_validator(mode="after")
    def _kits_of_pieces(self) -> StockSettings:
        for kit, parts in self.kits.items():
            if not parts or min(parts.values()) <= 0:
                raise ValueError(f"kits.{kit} needs components, each with more than 0 pieces")
            if nested := parts.keys() & self.kits.keys():
                raise ValueError(f"kits.{kit} holds another kit ({', '.join(sorted(nested))}): name its components")
        return self
