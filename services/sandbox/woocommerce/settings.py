"""What one sandbox shop is set to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Permissions = Literal["read", "write", "read_write"]
Release = Literal["9.9.5", "10.5.0"]
"""The versions of WooCommerce whose answers were recorded and compared."""


@dataclass(frozen=True)
class Key:
    """A REST API key."""

    consumer_key: str
    consumer_secret: str
    permissions: Permissions = "read_write"


@dataclass(frozen=True)
class Pace:
    """How slow the shop is: measured on two shared CPUs, about 90 ms a request and 50 ms a product of a batch."""

    workers: int = 8
    request_seconds: float = 0.09
    item_seconds: float = 0.05


KEYS = (
    Key("ck_sandbox", "cs_sandbox"),
    Key("ck_sandbox_reads", "cs_sandbox_reads", "read"),
    Key("ck_sandbox_writes", "cs_sandbox_writes", "write"),
)


@dataclass(frozen=True)
class Settings:
    """A shop's settings; without `home_url` the shop is at home wherever a request first reaches it.

    `hold_deliveries` keeps webhooks queued until they are asked for (`Deliveries.drain`, /_sandbox/webhooks/deliver).
    `max_body` is the web server's limit in bytes. `orders_in` is where orders are stored: HPOS on, off, or on with
    compatibility mode; the system status shows it, and what the end of an account does to its orders.

    `rest_prefix` is WordPress's `rest_url_prefix`. With `permalinks` "plain" the API answers at `/?rest_route=/` alone.
    With `removes_authorization` the header never reaches PHP; `php_notice` is what PHP writes before each answer.
    """

    keys: tuple[Key, ...] = KEYS
    home_url: str | None = None
    name: str = "Davtari sandbox"
    version: Release = "9.9.5"
    orders_in: Literal["own-tables", "posts", "both"] = "own-tables"
    currency: str = "GEL"
    pace: Pace | None = None
    hold_deliveries: bool = False
    max_body: int = 8_000_000
    rest_prefix: str = "wp-json"
    permalinks: Literal["pretty", "plain"] = "pretty"
    removes_authorization: bool = False
    php_notice: str = ""
