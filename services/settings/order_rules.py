"""Which document an order becomes, from which warehouse, when: rules with a closed vocabulary of conditions.

All conditions that a rule gives must hold; of those rules whose conditions hold, the first that has an effect decides
that effect. What no rule decides is decided by the settings beside them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from services.settings.base import Amount, Section

DocumentKind = Literal["sale", "sales-order", "hold"]
CustomerKind = Literal["company", "person", "retail"]
SubOrder = Literal["part-of-parent", "own-order"]
EFFECTS = ("document", "warehouse", "hold", "shipping_item", "waybill")
Seconds = Annotated[float, Field(ge=0)]


def _several(value: Any) -> Any:
    """A single text is a list of one."""
    return (value,) if isinstance(value, str) else value


Texts = Annotated[tuple[str, ...], BeforeValidator(_several)]


class OrderRule(Section):
    """Conditions and effects; every condition is a list of which one must be met."""

    name: str = Field(default="", description="how the rule is called in `davtari rules test`")
    payment_method: Texts = Field(default=(), description="ids of payment methods: bacs")
    shipping_method: Texts = Field(default=(), description="flat_rate, or one instance of it: flat_rate:3")
    shipping_zone: Texts = Field(default=(), description="names from shipping-zones")
    pickup_point: Texts = Field(default=(), description="names of pickup points, as the order says them")
    status: Texts = ()
    country: Texts = Field(default=(), description="of the delivery, else of the bill: GE")
    city: Texts = ()
    customer: Annotated[tuple[CustomerKind, ...], BeforeValidator(_several)] = ()
    currency: Texts = ()
    total_above: Amount | None = Field(default=None, description="the order's total is more than this")
    total_below: Amount | None = Field(default=None, description="the order's total is less than this")

    document: DocumentKind | None = Field(default=None, description="sale, sales-order (reserve), or hold (nothing)")
    warehouse: Texts | None = Field(default=None, description="uid or name; of several the first that has all lines")
    hold: Seconds | None = Field(default=None, description="seconds to wait after the trigger")
    shipping_item: str | None = Field(default=None, description="service item of the shipping lines")
    waybill: bool | None = Field(default=None, description="whether Balance is to issue the waybill")

    @property
    def effects(self) -> tuple[str, ...]:
        """The names of the effects that this rule has."""
        return tuple(effect for effect in EFFECTS if getattr(self, effect) is not None)

    @model_validator(mode="after")
    def _does_something(self) -> OrderRule:
        if not self.effects:
            effects = ", ".join(effect.replace("_", "-") for effect in EFFECTS)
            raise ValueError(f"a rule needs an effect: {effects}")
        if self.document == "sales-order" and not self.status:
            raise ValueError("a rule for sales orders needs status: the statuses in which the order only reserves")
        if self.warehouse == ():
            raise ValueError("warehouse is empty: name one, or leave it out")
        return self


class DocumentSettings(Section):
    """Document, warehouse and moment of an order; left out, an order is a Sale from `warehouse` at its trigger."""

    rules: tuple[OrderRule, ...] = Field(default=(), description="the first that holds decides; see order_rules")
    shipping_zones: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="shipping zone → its methods, flat_rate:3, as `davtari shipping` prints them"
    )
    hold_for: dict[str, Seconds] = Field(
        default_factory=dict,
        description="seconds to hold by payment method and status: bog, bog/processing, */completed; else `hold`",
    )
    warehouses: tuple[str, ...] = Field(
        default=(), description="uids or names: the first that has all lines of an order; else `warehouse`"
    )
    split: bool = Field(
        default=False, description="where no warehouse of several holds all lines: a Sale from each that holds some"
    )
    waybill: bool | None = Field(default=None, description="whether Balance is to issue waybills; left out: undecided")
    document_state: Literal["posted", "unposted"] = Field(
        default="posted", description="unposted: Sales are left for the accountant to post (dialect.posted-field)"
    )
    short_stock: Literal["park", "wait", "unposted"] = Field(
        default="park",
        description="Balance refuses to post for lack of stock: park for a person, wait for a receipt, or leave it "
        "unposted and post it after the receipt (dialect.posted-field)",
    )
    sale_price_as: Literal["price", "discount"] = Field(
        default="price",
        description="a line below the item's regular price: its price, or the regular price less a discount",
    )
    coupon_codes: bool = Field(default=False, description="name the coupons in the document's comment")

    @property
    def every_warehouse(self) -> tuple[str, ...]:
        """The warehouses that rules and lists name, each once."""
        ruled = [name for rule in self.rules for name in rule.warehouse or ()]
        return tuple(dict.fromkeys((*ruled, *self.warehouses)))

    @model_validator(mode="after")
    def _zones_are_known(self) -> DocumentSettings:
        known = {zone.casefold() for zone in self.shipping_zones}
        named = [zone for rule in self.rules for zone in rule.shipping_zone]
        if unknown := [zone for zone in named if zone.casefold() not in known]:
            raise ValueError(f"shipping-zones has no zone {unknown[0]!r}; see `davtari shipping --shop SHOP`")
        return self
