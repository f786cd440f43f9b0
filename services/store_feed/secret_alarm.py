"""Shows that a shop signs with another secret than ours, and takes that back with the first right signature."""

from __future__ import annotations

import asyncio

from contracts.reasons import Reason
from services.engine.outbox.engine import Engine
from services.engine.outbox.faults import Fault, clear_fault, note_fault

PATIENCE = 3
"""Wrong signatures in a row before a person is told: one alone may be anybody's nonsense."""


class SecretAlarm:
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
                note_fault(work, subject(shop), another_secret(shop))
            else:
                clear_fault(work, subject(shop))
        self._shown[shop] = standing


def subject(shop: str) -> str:
    """What the fault is about."""
    return f"webhooks of {shop}"


def another_secret(shop: str) -> Fault:
    """What to tell the person who can mend it."""
    detail = (
        f"shop {shop}: webhooks come with a wrong signature and are refused; WooCommerce switches them off after "
        f"seven in a row. The sweep finds the orders all the same. Give the webhooks in WooCommerce (Settings → "
        f"Advanced → Webhooks) the secret in the file of shops.{shop}.webhook-secret-files"
    )
    return Fault(reason=Reason.SHOP_WEBHOOK_REFUSED, detail=detail)
