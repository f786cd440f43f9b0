"""The exception for facts that cannot be booked: rules raise it, handlers turn it into a dead letter."""

from __future__ import annotations

from contracts.reasons import Reason


class Unbookable(Exception):
    """No valid document can be made from the facts and settings; `detail` states what to do."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


def setting_key(shop: str, name: str) -> str:
    """The key of a setting of the orders flow in `davtari.toml`."""
    return f"shops.{shop}.orders.{name}"


def require_setting(value: str | None, shop: str, name: str, purpose: str, reason: Reason) -> str:
    """The value of a setting. Raises `Unbookable` naming its key when it is not set."""
    if not value:
        raise Unbookable(reason, f"{setting_key(shop, name)} is not set: {purpose}. Set it and restart Davtari")
    return value
