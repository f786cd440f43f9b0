"""Deletions of keys of personal data that no person has signed: they are not obeyed, and become dead letters."""

from __future__ import annotations

import asyncio

from services.engine.outbox.engine import Engine
from services.engine.privacy.key_ring import KeyRing

INTERVAL = 1.0
"""Seconds between two looks."""


async def report_refused_deletions(keys: KeyRing, engine: Engine) -> None:
    """Open a dead letter for each, once, until cancelled."""
    while True:
        if refused := keys.take_refused():
            async with engine.work() as work:
                await work.take(refused)
        await asyncio.sleep(INTERVAL)
