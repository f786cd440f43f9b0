"""The webhook watchdog: WooCommerce disables a webhook after seven failures and tells nobody, so we look."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Protocol

from pydantic import SecretStr

from contracts.reasons import Reason
from services.connectors.http.listing import Listing
from services.connectors.identity.guard import Shut, allow_always
from services.connectors.woocommerce.webhooks import Webhook
from services.engine.outbox.engine import Engine
from services.engine.outbox.faults import Fault, clear_fault, report_fault
from services.engine.outbox.upstream_errors import UpstreamError

log = logging.getLogger(__name__)
TOPICS = ("order.created", "order.updated", "order.deleted", "customer.deleted")
ACTIVE = "active"
EVERY = 300.0
"""Seconds between two looks."""


class WebhookAdmin(Protocol):
    """What the watchdog does at a shop."""

    async def webhooks(self) -> Listing[Webhook]: ...
    async def create_webhook(self, topic: str, delivery_url: str, secret: SecretStr) -> Webhook: ...
    async def enable_webhook(self, webhook_id: int) -> Webhook: ...


@dataclass(frozen=True, slots=True)
class WebhookRepair:
    """What the watchdog did: topics whose webhook it made or switched on again."""

    created: tuple[str, ...] = ()
    enabled: tuple[str, ...] = ()


async def repair_webhooks(shop: WebhookAdmin, delivery_url: str, secret: SecretStr) -> WebhookRepair:
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
    return WebhookRepair(tuple(created), tuple(hook.topic for hook in disabled))


async def watch_webhooks(
    name: str,
    shop: WebhookAdmin,
    delivery_url: str,
    secret: SecretStr,
    shut: Shut = allow_always,
    every: float = EVERY,
) -> None:
    """Look every so many seconds, until cancelled, and say what was mended; never at a shop that is not recognized."""
    while True:
        try:
            mended = await repair_webhooks(shop, delivery_url, secret) if await shut() is None else WebhookRepair()
            if mended != WebhookRepair():
                log.warning("webhooks mended", extra={"shop": name, "made": mended.created, "enabled": mended.enabled})
        except UpstreamError as error:
            log.warning("webhooks not looked at", extra={"shop": name, "why": error.message})
        await asyncio.sleep(every)


# Shows that a shop signs with another secret than ours, and takes that back with the first right signature.

PATIENCE = 3
"""Wrong signatures in a row before a person is told: one alone may be anybody's nonsense."""


class SignatureMonitor:
    """Counts wrong signatures in a row, by shop. Hearing is instant; what is to be written waits for `run`."""

    def __init__(self) -> None:
        self._wrong: dict[str, int] = {}
        self._shown: dict[str, bool] = {}
        self._news = asyncio.Event()

    def heard(self, shop: str, *, signed: bool) -> None:
        """A delivery came with a right or a wrong signature."""
        self._wrong[shop] = 0 if signed else self._wrong.get(shop, 0) + 1
        self._news.set()

    async def run(self, engine: Engine) -> None:
        """Show and take back until cancelled."""
        while True:
            self._news.clear()
            for shop, wrong in list(self._wrong.items()):
                if wrong == 0 or wrong >= PATIENCE:
                    await self._show(engine, shop, standing=wrong > 0)
            await self._news.wait()

    async def _show(self, engine: Engine, shop: str, *, standing: bool) -> None:
        if self._shown.get(shop) is standing:
            return
        async with engine.work() as work:
            if standing:
                report_fault(work, signature_subject(shop), wrong_secret_fault(shop))
            else:
                clear_fault(work, signature_subject(shop))
        self._shown[shop] = standing


def signature_subject(shop: str) -> str:
    """What the fault is about."""
    return f"webhooks of {shop}"


def wrong_secret_fault(shop: str) -> Fault:
    """What to tell the person who can mend it."""
    detail = (
        f"shop {shop}: webhooks come with a wrong signature and are refused; WooCommerce switches them off after "
        f"seven in a row. The sweep finds the orders all the same. Give the webhooks in WooCommerce (Settings → "
        f"Advanced → Webhooks) the secret in the file of shops.{shop}.webhook-secret-files"
    )
    return Fault(reason=Reason.SHOP_WEBHOOK_REFUSED, detail=detail)
