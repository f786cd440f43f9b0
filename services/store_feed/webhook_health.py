"""Keeping webhooks working: they exist, are enabled, and are signed with our secret.

WooCommerce disables a webhook after seven failures in a row and does not report it (WooCommerce fact 64).
"""

from __future__ import annotations

import asyncio
import logging

from pydantic import SecretStr

from contracts.reasons import Reason
from services.connectors.identity.guard import Shut, allow_always
from services.connectors.woocommerce.webhooks import WebhookAdmin, WebhookRepair, repair_webhooks
from services.engine.outbox.engine import Engine
from services.engine.outbox.faults import Fault, clear_fault, report_fault
from services.engine.outbox.upstream_errors import UpstreamError

log = logging.getLogger(__name__)
EVERY = 300.0
"""Seconds between two checks."""


async def watch_webhooks(
    name: str,
    shop: WebhookAdmin,
    delivery_url: str,
    secret: SecretStr,
    shut: Shut = allow_always,
    every: float = EVERY,
) -> None:
    """Check every `every` seconds until cancelled, and log repairs; a shop that is not recognized is not checked."""
    while True:
        try:
            repair = await repair_webhooks(shop, delivery_url, secret) if await shut() is None else WebhookRepair()
            if repair != WebhookRepair():
                fields = {"shop": name, "made": repair.created, "enabled": repair.enabled}
                log.warning("webhooks repaired", extra=fields)
        except UpstreamError as error:
            log.warning("webhooks could not be checked", extra={"shop": name, "why": error.message})
        await asyncio.sleep(every)


REPORT_AFTER = 3
"""Wrong signatures in a row before it is reported: a single one may come from anyone."""


class SignatureMonitor:
    """Reports a shop that signs with another secret, and clears that at its first valid signature.

    `record` only counts wrong signatures in a row; `run` writes.
    """

    def __init__(self) -> None:
        self._wrong: dict[str, int] = {}
        self._reported: dict[str, bool] = {}
        self._changed = asyncio.Event()

    def record(self, shop: str, *, signed: bool) -> None:
        """Count a webhook with a valid or a wrong signature."""
        self._wrong[shop] = 0 if signed else self._wrong.get(shop, 0) + 1
        self._changed.set()

    async def run(self, engine: Engine) -> None:
        """Report and clear faults until cancelled."""
        while True:
            self._changed.clear()
            for shop, wrong in list(self._wrong.items()):
                if wrong == 0 or wrong >= REPORT_AFTER:
                    await self._update_fault(engine, shop, is_wrong=wrong > 0)
            await self._changed.wait()

    async def _update_fault(self, engine: Engine, shop: str, *, is_wrong: bool) -> None:
        if self._reported.get(shop) is is_wrong:
            return
        async with engine.work() as work:
            if is_wrong:
                report_fault(work, signature_subject(shop), wrong_secret_fault(shop))
            else:
                clear_fault(work, signature_subject(shop))
        self._reported[shop] = is_wrong


def signature_subject(shop: str) -> str:
    """Return the subject of the fault."""
    return f"webhooks of {shop}"


def wrong_secret_fault(shop: str) -> Fault:
    """Return the fault of a shop whose webhooks are signed with another secret."""
    detail = (
        f"shop {shop}: webhooks have a wrong signature and are refused; WooCommerce disables them after seven failures "
        f"in a row. The sweep still finds the orders. Set the secret of the webhooks in WooCommerce (Settings → "
        f"Advanced → Webhooks) to the one in the file of shops.{shop}.webhook-secret-files"
    )
    return Fault(reason=Reason.SHOP_WEBHOOK_REFUSED, detail=detail)
