"""The whole of the settings."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from services.shared.settings.balance import BalanceSettings
from services.shared.settings.base import Section
from services.shared.settings.shop import ShopSettings


class KafkaSettings(Section):
    """Where the topics are."""

    bootstrap_servers: str = "127.0.0.1:9092"
    topic_prefix: str = "davtari."
    replication_factor: int = Field(default=1, ge=1)
    send_timeout: float = Field(default=30.0, gt=0, description="seconds before an unacknowledged send is unknown")


class SnapshotSettings(Section):
    """When a snapshot of Balance is believed: one that loses more than this share (and more than a few) is held."""

    largest_loss: float = Field(default=0.2, gt=0, le=1, description="share of known records that may vanish at once")
    small_loss: int = Field(default=5, ge=0, description="so many records may always vanish")


class StateSettings(Section):
    """Where each service keeps its state database (a cache of the topics)."""

    directory: Path = Path("var/state")


class ScheduleSettings(Section):
    """When each Balance resource is read (cron, Asia/Tbilisi), and how often the shops are swept (seconds)."""

    items: str = "17 * * * *"
    prices: str = "*/15 * * * *"
    stock: str = "*/2 * * * *"
    sweep: float = Field(default=60.0, gt=0)
    sweep_overlap: float = Field(default=120.0, ge=0)


class ReceiverSettings(Section):
    """Where store-feed takes webhooks."""

    host: str = "127.0.0.1"
    port: int = Field(default=8480, ge=0, le=65535)
    public_url: str | None = Field(default=None, description="the address that the shop calls, if it differs")


class RetrySettings(Section):
    """How long a lane waits when its upstream is unavailable, and how long a delivery may stay blocked (seconds)."""

    first_wait: float = Field(default=1.0, gt=0)
    longest_wait: float = Field(default=300.0, gt=0)
    blocked_deadline: float = Field(default=72 * 3600.0, gt=0)


class Settings(Section):
    """Everything that `davtari.toml` may say."""

    balance: BalanceSettings
    shops: dict[str, ShopSettings] = Field(min_length=1)
    kafka: KafkaSettings = KafkaSettings()
    state: StateSettings = StateSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    snapshot: SnapshotSettings = SnapshotSettings()
    receiver: ReceiverSettings = ReceiverSettings()
    retry: RetrySettings = RetrySettings()
