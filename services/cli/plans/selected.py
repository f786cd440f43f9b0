"""No plan is applied while a selected group has no category in the shop (claim S1.9)."""

from __future__ import annotations

from services.accounting.checks.groups import selected
from services.connectors.upstreams import open_shop
from services.engine.runtime.clock import utc_now
from services.settings.model import Settings


class NotMapped(Exception):
    """Selected groups have no category in the shop; the message names each, and what to do."""


async def check_selected(settings: Settings, shop: str) -> None:
    """Raises `NotMapped` when a group that shall be sold has no category that is in the shop."""
    async with open_shop(settings, shop, utc_now) as client:
        found = await selected(client, settings, shop)
    if found:
        lines = [f"  {finding}" for finding in found]
        raise NotMapped("\n".join([f"nothing is applied: in shop {shop} not every selected group is mapped", *lines]))
