"""Running services: one of them as its own process, or all in one."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Iterable

from services.commands.registry import SERVICES
from services.shared.delivery.backoff import unavailable_wait
from services.shared.running.service import Service
from services.shared.settings.model import Settings

log = logging.getLogger(__name__)


async def run_service(name: str, settings: Settings, ready: asyncio.Event | None = None) -> None:
    """Run a service until cancelled. Raises whatever ends it."""
    async with SERVICES[name](settings) as blueprint:
        service = Service(blueprint, settings)
        if ready is not None:
            service.ready = ready
        await service.run()


async def supervise(name: str, settings: Settings, ready: asyncio.Event | None = None) -> None:
    """Run a service until cancelled; when it fails, say so and start it again after a growing wait."""
    failures = 0
    while True:
        try:
            await run_service(name, settings, ready)
        except Exception:
            failures += 1
            pause = unavailable_wait(failures, 1.0, 60.0)
            log.exception("service failed and is started again", extra={"service": name, "in_seconds": round(pause, 1)})
            await asyncio.sleep(pause)


async def run_all(settings: Settings, names: Iterable[str]) -> None:
    """Run services side by side until cancelled; one that fails does not take the others with it."""
    async with asyncio.TaskGroup() as tasks:
        for name in names:
            tasks.create_task(supervise(name, settings))


async def until_signalled(names: Iterable[str], settings: Settings, *, supervised: bool) -> None:
    """Run until SIGTERM or SIGINT; what is under way is finished first."""
    running = [supervise(name, settings) if supervised else run_service(name, settings) for name in names]
    work = asyncio.gather(*running)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, work.cancel)
    try:
        await work
    except asyncio.CancelledError:
        log.info("stopped")
