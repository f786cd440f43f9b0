"""refund-exporter: writes a credit note to Balance for each refund, bound to its Sale."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.accounting.checks.gates import refunds_gate
from services.connectors.balance.client import Balance
from services.connectors.identity.guard import DocumentGuard
from services.connectors.identity.status import with_identity
from services.connectors.upstreams import balance_lanes
from services.engine.clock import Clock, utc_now
from services.engine.runtime.blueprint import Blueprint, fingerprint
from services.refund_exporter.deliveries import deliveries
from services.refund_exporter.handlers import handlers
from services.refund_exporter.projection import SERVICE
from services.settings.model import Settings


@asynccontextmanager
async def blueprint(settings: Settings, clock: Clock = utc_now) -> AsyncIterator[Blueprint]:
    """The service: one lane, for credit notes."""
    async with Balance(settings.balance, settings.balance.password()) as balance:
        guard, effects = DocumentGuard(), deliveries(balance, settings.balance.dialect, clock)
        lanes = balance_lanes(settings, {name: guard.guard_delivery(deliver) for name, deliver in effects.items()})
        rules = fingerprint([settings.balance, *settings.shops.values()])
        gates = refunds_gate(settings, balance, [lane.name for lane in lanes])
        yield Blueprint(
            SERVICE,
            with_identity(handlers(settings)),
            rules,
            lanes,
            gates=gates,
            early_tasks=[guard.attach],
            personal=False,
        )
