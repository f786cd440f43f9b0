"""Which items become products, who owns which field, and from which price types their prices come."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

from pydantic import Field, model_validator

from services.settings.balance import FIELDS, OWNERSHIP, OwnershipPreset
from services.settings.base import Amount, Categories, Section

Ownership = Literal["always", "if-empty", "if-unchanged", "never"]


class CatalogueSettings(Section):
    """Which items may become products. Default deny: a group is invisible until it is mapped (claim S0.5)."""

    groups: dict[str, Categories] = Field(
        default_factory=dict, description="Balance group uid → WooCommerce category id, or a list of ids"
    )
    excluded_groups: tuple[str, ...] = Field(default=(), description="shut, with all below them, mapped or not")
    included_groups: tuple[str, ...] = Field(default=(), description="open again, below an excluded one")
    allow_services: bool = False
    sku_allow: tuple[str, ...] = Field(default=(), description="glob patterns; empty allows every SKU")
    sku_deny: tuple[str, ...] = ()
    sold_if: dict[Literal["1", "2", "3"], tuple[str, ...]] = Field(
        default_factory=dict, description="additional requisite of an item → values with which it may be sold"
    )
    category_requisite: Literal["1", "2", "3"] | None = Field(
        default=None, description="the additional requisite that chooses the category, where it is filled"
    )
    categories: dict[str, Categories] = Field(
        default_factory=dict, description="value of category-requisite → WooCommerce category id, or a list of ids"
    )
    withdrawn: Literal["keep", "draft", "no-stock", "draft-and-no-stock"] = Field(
        default="keep", description="what happens to a product whose item left Balance; it is never deleted"
    )
    images: str | None = Field(
        default=None,
        pattern=r"^https?://.*\{sku\}",
        description="address of a product's picture, with {sku} in it; without it no picture is ever sent",
    )
    propose_items: bool = Field(
        default=False, description="products that only the shop has may be proposed as items: davtari propose items"
    )
    meta_key: str = "_balance_uid"

    @property
    def hides_withdrawn(self) -> bool:
        """Whether a product whose item left Balance becomes a draft."""
        return self.withdrawn in ("draft", "draft-and-no-stock")

    @property
    def empties_withdrawn(self) -> bool:
        """Whether a product whose item left Balance has no stock any more."""
        return self.withdrawn in ("no-stock", "draft-and-no-stock")


class FieldOwnership(Section):
    """Who owns a field of an existing product (claim S0.16). A field that is given here overrides the preset's."""

    preset: OwnershipPreset | None = Field(default=None, description="a named choice for all fields at once")
    name: Ownership = "never"
    regular_price: Ownership = "always"
    sale_price: Ownership = "always"
    weight: Ownership = "if-empty"
    category: Ownership = "if-empty"

    @model_validator(mode="before")
    @classmethod
    def _as_preset(cls, given: Any) -> Any:
        chosen = OWNERSHIP.get(str(given.get("preset"))) if isinstance(given, dict) else None
        missing = {name: owner for name, owner in (chosen or {}).items() if name.replace("_", "-") not in given}
        return given if chosen is None else missing | given

    @model_validator(mode="after")
    def _stock_only_is_meant(self) -> FieldOwnership:
        if self.stock_only and any(getattr(self, name) != "never" for name in FIELDS):
            raise ValueError(
                'preset "stock-only" writes nothing but stock: leave the single fields out, or "create-only"'
            )
        return self

    @property
    def stock_only(self) -> bool:
        """Whether nothing but stock is ever written, and no product made (claim S2.8)."""
        return self.preset == "stock-only"


class PriceSettings(Section):
    """Which price types are the regular and the sale price."""

    regular_type: str | None = None
    sale_type: str | None = None
    discounts: bool = Field(
        default=False, description="sale prices from Balance's discounts on the regular price (balance.discounts.read)"
    )
    roles: dict[str, str] = Field(
        default_factory=dict, description="custom field in which a plugin keeps a role's price → price type"
    )
    cost_types: tuple[str, ...] = Field(default=(), description="price types of purchase: they never reach a shop")
    currencies: dict[str, str] = Field(
        default_factory=dict, description="price type → currency that it is stated in, where not Balance's own"
    )
    smallest: Amount = Decimal("0.10")
    largest_fall: Amount = Field(
        default=Decimal("0.5"), gt=0, le=1, description="a regular price that falls by a larger part waits for a person"
    )

    @model_validator(mode="after")
    def _cost_stays_inside(self) -> PriceSettings:
        costs = {one.casefold() for one in self.cost_types}
        named = {"regular-type": self.regular_type, "sale-type": self.sale_type, **self.roles}
        if shown := [key for key, type_ in named.items() if type_ and type_.casefold() in costs]:
            raise ValueError(f"{', '.join(shown)} names a price type of cost-types: a cost price never reaches a shop")
        return self

    def currency_of(self, price_type: str | None) -> str | None:
        """The currency of a price type; None for Balance's own. Letter case of the type does not matter."""
        known = {name.casefold(): currency for name, currency in self.currencies.items()}
        return known.get(price_type.casefold()) if price_type else None

    @model_validator(mode="after")
    def _one_source_of_sales(self) -> PriceSettings:
        if self.sale_type and self.discounts:
            raise ValueError("sale-type and discounts are two sources of one sale price: choose one of them")
        return self

    @model_validator(mode="after")
    def _one_currency_of_a_product(self) -> PriceSettings:
        if self.sale_type and self.currency_of(self.regular_type) != self.currency_of(self.sale_type):
            raise ValueError("regular-type and sale-type are of different currencies: a product is priced in one")
        return self
