"""The webhook watchdog: WooCommerce disables a webhook after seven failures and tells nobody, so we look."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Protocol

from pydantic import SecretStr

from services.connectors.http.unreadable import Listing
from services.connectors.identity.guard import Shut, always_open
from services.connectors.woocommerce.webhooks import Webhook
from services.engine.outbox.upstream_errors import UpstreamError

log = logging.getLogger(__name__)
TOPICS = ("order.created", "order.updated", "order.deleted", "customer.deleted")
ACTIVE = "active"
EVERY = 300.0
"""Seconds between two looks."""


class KeepsWebhooks(Protocol):
    """What the watchdog does at a shop."""

    async def webhooks(self) -> Listing[Webhook]: ...
    async def create_webhook(self, topic: str, delivery_url: str, secret: SecretStr) -> Webhook: ...
    async def enable_webhook(self, webhook_id: int) -> Webhook: ...


@dataclass(frozen=True, slots=True)
class Mended:
    """What the watchdog did: topics whose webhook it made or switched on again."""

    created: tuple[str, ...] = ()
    enabled: tuple[str, ...] = ()


async def mend(shop: KeepsWebhooks, delivery_url: str, secret: SecretStr) -> Mended:
    """Make the webhooks that are missing and enable ours that are off; others' and needless twins are left alone.

    While one cannot be read, none is made: it may be the one that seems to be missing.
    """
    listed = await shop.webhooks()
    found = [hook for hook in listed.records if hook.delivery_url == delivery_url]
    ours = {hook.topic: hook for hook in sorted(found, key=lambda hook: hook.status == ACTIVE)}
    created = [topic for topic in TOPICS if topic not in ours and not listed.unreadable]
    for one in listed.unreadable:
        log.warning("a webhook cannot be read", extra={"why": one.detail})
    disabled = [hook for hook in ours.values() if hook.status != ACTIVE and hook.topic in TOPICS]
    for topic in created:
        await shop.create_webhook(topic, delivery_url, secret)
    for hook in disabled:
        await shop.enable_webhook(hook.id)
    return Mended(tuple(created), tuple(hook.topic for hook in disabled))


async def watch(
    name: str,
    shop: KeepsWebhooks,
    delivery_url: str,
    secret: SecretStr,
    shut: Shut = always_open,
    every: float = EVERY,
) -> None:
    """Look every so many seconds, until cancelled, and say what was mended; never at a shop that is not recognized."""
    while True:
        try:
            mended = await mend(shop, delivery_url, secret) if await shut() is None else Mended()
            if mended != Mended():
                log.warning("webhooks mended", extra={"shop": name, "made": mended.created, "enabled": mended.enabled})
        except UpstreamError as error:
            log.warning("webhooks not looked at", extra={"shop": name, "why": error.message})
        await asyncio.sleep(every)
