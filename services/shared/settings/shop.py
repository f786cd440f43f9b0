"""One shop: its connection, its flows and the rules of each flow."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr, model_validator

from services.shared.settings.base import Section, read_secret
from services.shared.settings.presets import OWNERSHIP, OwnershipPreset


def _text_only(value: object) -> object:
    if isinstance(value, float):
        raise ValueError('write an amount as text, e.g. "0.05": a float is not exact')
    return value


Amount = Annotated[Decimal, BeforeValidator(_text_only)]
Mode = Literal["off", "dry-run", "live"]
AfterSale = Literal["report", "credit", "credit-and-new-sale"]
Ownership = Literal["always", "if-empty", "if-unchanged", "never"]


class Flows(Section):
    """`off`, `dry-run` or `live` per flow; everything starts in dry-run (claim S0.36)."""

    catalogue: Mode = "dry-run"
    prices: Mode = "dry-run"
    stock: Mode = "dry-run"
    orders: Mode = "dry-run"
    refunds: Mode = "dry-run"


class CatalogueSettings(Section):
    """Which items may become products. Default deny: a group is invisible until it is mapped (claim S0.5)."""

    groups: dict[str, int] = Field(default_factory=dict, description="Balance group uid → WooCommerce category id")
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
    categories: dict[str, int] = Field(
        default_factory=dict, description="value of category-requisite → WooCommerce category id"
    )
    withdrawn: Literal["keep", "draft", "no-stock", "draft-and-no-stock"] = Field(
        default="keep", description="what becomes of a product whose item left Balance; never deletion"
    )
    images: str | None = Field(
        default=None,
        pattern=r"^https?://.*\{sku\}",
        description="address of a product's picture, with {sku} in it; without it no picture is ever sent",
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


class PriceSettings(Section):
    """Which price types are the regular and the sale price."""

    regular_type: str | None = None
    sale_type: str | None = None
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
    def _one_currency_of_a_product(self) -> PriceSettings:
        if self.sale_type and self.currency_of(self.regular_type) != self.currency_of(self.sale_type):
            raise ValueError("regular-type and sale-type are of different currencies: a product is priced in one")
        return self


class StockSettings(Section):
    """How the figure for sale is computed; nothing is published before a policy is chosen (claim S1.4)."""

    policy: Literal["single", "aggregate", "per-store"] | None = None
    warehouses: tuple[str, ...] = Field(default=(), description="uids or exact names")
    locations: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="per-store: a shop's own location → the warehouses that stand behind it"
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
    drift: Literal["announce", "correct", "off"] = Field(
        default="announce", description="what becomes of a figure that was changed by hand in the shop"
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


class PaymentPosting(Section):
    """How Balance books the payments of one method, as its administrator names them there."""

    type: str = Field(min_length=1, description="PaymentType")
    account: str = Field(min_length=1, description="PaymentAccount")


class OrderSettings(Section):
    """When and how an order becomes a Sale."""

    trigger: dict[str, tuple[str, ...]] = Field(
        default_factory=lambda: {"default": ("processing", "completed"), "cod": ("completed",)},
        description="payment method → statuses that make a Sale; `default` for the rest",
    )
    require_paid: bool = Field(default=True, description="a `default` trigger also needs date_paid")
    hold: float = Field(default=0.0, ge=0, description="seconds to wait after the trigger")
    waiting_statuses: tuple[str, ...] = Field(
        default=(), description="a plugin's statuses in which a paid order rightly waits for its trigger"
    )
    warehouse: str | None = None
    retail_client: str | None = None
    create_clients: bool = True
    personal_id_keys: tuple[str, ...] = Field(
        default=("_billing_personal_id", "billing_personal_id", "_wc_other/davtari/personal-id"),
        description="custom fields of an order that may hold the personal id; the first filled counts",
    )
    company_id_keys: tuple[str, ...] = Field(
        default=("_billing_company_code", "billing_company_code", "_wc_other/davtari/company-id"),
        description="the same for a company's number",
    )
    shipping_item: str | None = None
    fee_item: str | None = None
    rounding_item: str | None = None
    rounding_cap: Amount = Decimal("0.05")
    amount_item: str | None = Field(default=None, description="service item for amount-only refunds")
    vat_rates: dict[str, str] = Field(
        default_factory=lambda: {"18": "ჩვეულებრივი", "0": "ნულოვანი", "none": "დღგ-ის გარეშე"},
        description="VAT percent of the order's rate → Balance's VAT rate (text or uid); `none` for untaxed lines",
    )
    after_sale: AfterSale = Field(
        default="report",
        description="an order changed after its Sale: only report it; credit the Sale of one given up; or credit and "
        "write the Sale of an edited one anew (orders with refunds are reported)",
    )
    locked_until: date | None = Field(default=None, description="the last closed day: corrections are dated after it")
    approve_first: int = Field(
        default=0, ge=0, description="so many documents of each new shape wait for the accountant's approval; 0: none"
    )
    payments: dict[str, PaymentPosting] = Field(
        default_factory=dict, description="payment method → type and account of the payment inside the Sale; none: off"
    )
    price_as: Literal["discounted", "price-and-discount"] = "discounted"


class ShopSettings(Section):
    """One WooCommerce store."""

    url: str = Field(pattern=r"^https?://")
    key_file: Path
    secret_file: Path
    webhook_secret_files: tuple[Path, ...] = ()
    ca_file: Path | None = None
    verify_tls: bool = True
    concurrency: int = Field(default=2, ge=1, le=8)
    batch_size: int = Field(default=25, ge=1, le=100)
    timeout: float = Field(default=60.0, gt=0)
    identity_check: float = Field(
        default=600.0, gt=0, description="seconds until it is looked at again whether this is still the same shop"
    )
    flows: Flows = Flows()
    catalogue: CatalogueSettings = CatalogueSettings()
    fields: FieldOwnership = FieldOwnership()
    prices: PriceSettings = PriceSettings()
    stock: StockSettings = StockSettings()
    orders: OrderSettings = OrderSettings()

    def credentials(self) -> tuple[SecretStr, SecretStr]:
        """The REST key and secret from their files. Raises `SecretMissing`."""
        return read_secret(self.key_file, "key-file"), read_secret(self.secret_file, "secret-file")

    def webhook_secrets(self) -> tuple[SecretStr, ...]:
        """The webhook secrets (two while one is being rotated). Raises `SecretMissing`."""
        return tuple(read_secret(path, "webhook-secret-files") for path in self.webhook_secret_files)
