"""All settings of `davtari.toml`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, Field, SecretStr, model_validator

from services.settings.alerts import AlertSettings
from services.settings.balance import BalanceSettings
from services.settings.base import SecretMissing, Section, WebAddress, is_loopback, read_secret
from services.settings.commands import CommandSettings
from services.settings.console import ConsoleSettings
from services.settings.kafka import KafkaSettings as KafkaSettings  # whoever knows the whole knows this part
from services.settings.shop import ShopSettings

SHORTEST_SECRET = 32
"""Characters; `davtari init` writes 43, which hold 256 random bits."""
SECRET_FIX = (
    "write random characters into {path}, once, and keep a copy: (umask 077; head -c 32 /dev/urandom | base64 > {path})"
)


class PrivacySettings(Section):
    """Sealed personal data can be forgotten, although the log is never changed (claim S2.16)."""

    secret_file: Path | None = Field(
        default=None,
        description="the key of all ids and digests of personal data, outside Kafka; keep a copy with the settings",
    )
    keep_days_after_close: int | None = Field(
        default=None,
        ge=0,
        description="days after an order's last change, once its day is closed, until `davtari person expire` erases "
        "the buyer; unset: people are kept until they are forgotten",
    )
    seal: bool = Field(
        default=True, description="events hold people's data under a key of each person; both forms are always read"
    )

    def secret(self) -> str:
        """The installation's secret. Raises `SecretMissing` for one that is missing or too short."""
        if self.secret_file is None:
            raise SecretMissing(f"privacy.secret-file is not set; {SECRET_FIX.format(path='secrets/privacy')}")
        secret = read_secret(self.secret_file, "privacy.secret-file").get_secret_value()
        if len(secret) < SHORTEST_SECRET:
            fix = SECRET_FIX.format(path=self.secret_file)
            raise SecretMissing(f"privacy.secret-file: {self.secret_file} has {len(secret)} characters; {fix}")
        return secret


Lookup = Literal["Groups", "PriceTypes", "Warehouses", "Clients"]


class GateSettings(Section):
    """The gates before live flows (claim S1.8)."""

    lookups: tuple[Lookup, ...] = Field(
        default=("Groups", "PriceTypes", "Warehouses", "Clients"),
        description="what the user must be able to read in Balance; leave out what none of your flows uses",
    )
    look_again: float = Field(
        default=3600.0, gt=0, description="seconds until an open gate is checked again; lost rights are reported"
    )


class FreshnessSettings(Section):
    """Age limits of the feeds, which fit the default schedule, and the objective for paid orders (I9), in seconds."""

    items: float = Field(default=3 * 3600.0, gt=0, description="after which unread items are reported")
    prices: float = Field(default=3600.0, gt=0)
    stock: float = Field(default=900.0, gt=0)
    orders: float = Field(default=900.0, gt=0, description="since a shop was last swept to the end")
    sale_within: float = Field(default=300.0, gt=0, description="a paid order has its Sale so soon …")
    sale_share: float = Field(default=0.999, gt=0, le=1, description="… in this share of cases …")
    sale_days: int = Field(default=30, ge=1, description="… over so many days")

    def limit(self, feed: str) -> float:
        """The limit of a feed: `items`, `prices`, `stock`, or `orders:<shop>`."""
        limits = {"items": self.items, "prices": self.prices, "stock": self.stock}
        return limits.get(feed, self.orders)


def _is_cron(expression: str) -> str:
    try:
        CronSim(expression, datetime(2026, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        raise ValueError(f'"{expression}" is no cron expression ({error}); write five fields: "*/15 * * * *"') from None
    return expression


Cron = Annotated[str, AfterValidator(_is_cron)]


class SnapshotSettings(Section):
    """When a snapshot of Balance is believed: one that loses more than this share (and more than a few) is held."""

    largest_loss: float = Field(default=0.2, gt=0, le=1, description="share of known records that may vanish at once")
    small_loss: int = Field(default=5, ge=0, description="so many records may always vanish")
    confirmations: int = Field(
        default=2, ge=1, description="an item is gone once so many whole snapshots in a row lack it"
    )
    largest_emptied: float = Field(default=0.5, gt=0, le=1, description="share of items that may run out at once")
    largest_price_falls: float = Field(default=0.2, gt=0, le=1, description="share whose price may halve at once")
    largest_vat_changes: float = Field(default=0.05, gt=0, le=1, description="share whose VAT rate may change at once")
    largest_moves: float = Field(default=0.3, gt=0, le=1, description="share that may change its group at once")
    small_change: int = Field(default=10, ge=0, description="so many such changes are never too many")


class StateSettings(Section):
    """Where each service keeps its state database (a cache of the topics)."""

    directory: Path = Path("var/state")


class ScheduleSettings(Section):
    """When Balance's resources and the shops' accounts are looked at (cron, Tbilisi), and the rest (seconds)."""

    items: Cron = "17 * * * *"
    prices: Cron = "*/15 * * * *"
    stock: Cron = "*/2 * * * *"
    sweep: float = Field(default=60.0, gt=0)
    sweep_overlap: float = Field(default=120.0, ge=0)
    refund_check: float = Field(default=3600.0, gt=0, description="seconds between looks for refunds that were deleted")
    refund_check_days: int = Field(default=90, ge=1, description="how old a refund may be to be looked at again")
    removal_wait: float = Field(
        default=600.0,
        ge=0,
        description="seconds until an order or refund that is gone is asked for again, before it counts as removed",
    )
    customers: Cron = Field(default="23 4 * * *", description="when it is asked which buyers' accounts have ended")


class ReceiverSettings(Section):
    """Where store-feed takes webhooks."""

    host: str = "127.0.0.1"
    port: int = Field(default=8480, ge=0, le=65535)
    public_url: WebAddress | None = Field(default=None, description="the address that the shop calls, if it differs")


class TelemetrySettings(Section):
    """Where health and metrics are served, and where traces are sent; by default neither."""

    host: str = "127.0.0.1"
    token_file: Path | None = Field(
        default=None, description="who reads health and metrics sends this token; needed unless host is this machine"
    )
    port: int | None = Field(default=None, ge=1, le=65535, description="one server for all services of a process")
    ports: dict[str, Annotated[int, Field(ge=1, le=65535)]] = Field(
        default_factory=dict, description="ports of services that run alone, by name, where they share a machine"
    )
    stalled_after: float = Field(default=300.0, gt=0, description="seconds of lag without progress until not live")
    otlp_endpoint: str | None = Field(default=None, description="OTLP/HTTP, e.g. http://127.0.0.1:4318/v1/traces")

    @model_validator(mode="after")
    def _private(self) -> TelemetrySettings:
        if (self.port or self.ports) and not is_loopback(self.host) and self.token_file is None:
            raise ValueError(
                f"host {self.host} lets other machines read health and metrics; set token-file to a file with a long "
                'random text, which Prometheus sends too, or host = "127.0.0.1"'
            )
        return self

    def token(self) -> SecretStr | None:
        """What readers have to send; None if they need not. Raises `SecretMissing`."""
        return read_secret(self.token_file, "telemetry.token-file") if self.token_file else None

    def port_for(self, services: Sequence[str]) -> int | None:
        """The port of a process that runs these services; None when nothing is served."""
        return self.ports.get(services[0], self.port) if len(services) == 1 else self.port


class RetrySettings(Section):
    """How long a lane waits when its upstream is unavailable, and how long a delivery may stay blocked (seconds)."""

    first_wait: float = Field(default=1.0, gt=0)
    longest_wait: float = Field(default=45.0, gt=0, description="45 at most: within a minute all moves again")
    blocked_deadline: float = Field(default=72 * 3600.0, gt=0)
    loop_guard: int = Field(default=3, ge=1, description="bulk replays skip a dead letter that failed so often")


class Settings(Section):
    """Everything that `davtari.toml` may say."""

    balance: BalanceSettings
    shops: dict[str, ShopSettings] = Field(min_length=1)
    kafka: KafkaSettings = KafkaSettings()
    commands: CommandSettings = CommandSettings()
    privacy: PrivacySettings = PrivacySettings()
    state: StateSettings = StateSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    snapshot: SnapshotSettings = SnapshotSettings()
    receiver: ReceiverSettings = ReceiverSettings()
    retry: RetrySettings = RetrySettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    freshness: FreshnessSettings = FreshnessSettings()
    gates: GateSettings = GateSettings()
    alerts: AlertSettings | None = None
    console: ConsoleSettings | None = None

    @model_validator(mode="after")
    def _discounts_are_read(self) -> Settings:
        wanting = [f"shops.{name}" for name, shop in self.shops.items() if shop.prices.discounts]
        if wanting and not self.balance.discounts.read:
            raise ValueError(f"{', '.join(wanting)}: prices.discounts needs balance.discounts.read = true")
        return self

    @model_validator(mode="after")
    def _can_recognize_unposted_documents(self) -> Settings:
        for name, shop in self.shops.items():
            unposted = "unposted" in (shop.orders.document_state, shop.orders.short_stock)
            if unposted and not self.balance.dialect.posted_field:
                raise ValueError(
                    f"shops.{name}.orders leaves Sales unposted: write in balance.dialect.posted-field which field of "
                    "a Sale says whether it is posted in your Balance (Sales → description of web-services)"
                )
        return self
