"""Shows that a shop signs with another secret than ours, and takes that back with the first right signature."""

from __future__ import annotations

from contracts.reasons import Reason
from services.shared.delivery.engine import Engine
from services.shared.delivery.faults import FAULT, Fault, clear_fault, note_fault

PATIENCE = 3
"""Wrong signatures in a row before a person is told: one alone may be anybody's nonsense."""


class SecretAlarm:
    """Counts wrong signatures in a row, by shop."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._wrong: dict[str, int] = {}
        self._trusted: set[str] = set()

    async def heard(self, shop: str, *, signed: bool) -> None:
        """A delivery came with a right or a wrong signature."""
        if signed:
            await self._right(shop)
        else:
            await self._is_wrong(shop)

    async def _is_wrong(self, shop: str) -> None:
        self._wrong[shop] = self._wrong.get(shop, 0) + 1
        if self._wrong[shop] == PATIENCE:
            self._trusted.discard(shop)
            async with self._engine.work() as work:
                note_fault(work, subject(shop), another_secret(shop))

    async def _right(self, shop: str) -> None:
        self._wrong[shop] = 0
        if shop in self._trusted:
            return
        self._trusted.add(shop)
        async with self._engine.work() as work:
            if await work.get_many(FAULT, [subject(shop)]):
                clear_fault(work, subject(shop))


def subject(shop: str) -> str:
    """What the fault is about."""
    return f"webhooks of {shop}"


def another_secret(shop: str) -> Fault:
    """What to tell the person who can mend it."""
    detail = (
        f"shop {shop}: webhooks come with a wrong signature and are refused; WooCommerce switches them off after "
        f"seven in a row, until then and afterwards the sweep finds the orders. Give the webhooks in WooCommerce "
        f"(Settings → Advanced → Webhooks) the secret in the file of shops.{shop}.webhook-secret-files"
    )
    return Fault(reason=Reason.SHOP_WEBHOOK_REFUSED, detail=detail)
