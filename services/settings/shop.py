"""One shop: its connection and its flows; the rules of each flow are in modules of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, model_validator

from services.settings.base import Section, WebAddress, read_secret
from services.settings.catalogue import CatalogueSettings, FieldOwnership, PriceSettings
from services.settings.notices import NoteSettings, StatusSettings
from services.settings.orders import OrderSettings, PaymentSettings, RefundSettings, ReturnSettings
from services.settings.stock import StockSettings

Mode = Literal["off", "dry-run", "live"]


class Flows(Section):
    """`off`, `dry-run` or `live` per flow; everything starts in dry-run (claim S0.36), receipts even off (S0.13)."""

    catalogue: Mode = "dry-run"
    prices: Mode = "dry-run"
    stock: Mode = "dry-run"
    orders: Mode = "dry-run"
    refunds: Mode = "dry-run"
    payments: Mode = "off"


class ShopSettings(Section):
    """One WooCommerce store."""

    url: WebAddress
    allow_http: bool = Field(default=False, description="send the key to an http address in a trusted network")
    rest_prefix: str = Field(
        default="", description="WordPress's REST prefix, e.g. wp-json; empty: wp-json, or the one the home page names"
    )
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
    payments: PaymentSettings = PaymentSettings()
    refunds: RefundSettings = RefundSettings()
    returns: ReturnSettings = ReturnSettings()
    notes: NoteSettings = NoteSettings()
    statuses: StatusSettings = StatusSettings()

    @model_validator(mode="after")
    def _booked_once(self) -> ShopSettings:
        """A payment is part of its Sale or has a receipt of its own, never both."""
        if self.flows.payments == "off":
            return self
        if self.payments.since is None:
            raise ValueError("flows.payments needs payments.since: the first day whose payments become receipts")
        booked = {name for name, method in self.payments.methods.items() if method.settled != "never"}
        if twice := sorted(booked & self.orders.payments.keys()):
            raise ValueError(f"{', '.join(twice)}: paid inside the Sale (orders.payments) and by receipt: choose one")
        return self

    @model_validator(mode="after")
    def _stock_only_is_meant(self) -> ShopSettings:
        others = {
            "catalogue.images": self.catalogue.images,
            "catalogue.withdrawn with draft": self.catalogue.hides_withdrawn,
            "prices.roles": self.prices.roles,
        }
        if self.fields.stock_only and (set_ := [key for key, value in others.items() if value]):
            raise ValueError(f'fields.preset "stock-only" writes nothing but stock: take out {", ".join(set_)}')
        return self

    def credentials(self) -> tuple[SecretStr, SecretStr]:
        """The REST key and secret from their files. Raises `SecretMissing`."""
        return read_secret(self.key_file, "key-file"), read_secret(self.secret_file, "secret-file")

    def webhook_secrets(self) -> tuple[SecretStr, ...]:
        """The webhook secrets (two while one is being rotated). Raises `SecretMissing`."""
        return tuple(read_secret(path, "webhook-secret-files") for path in self.webhook_secret_files)
