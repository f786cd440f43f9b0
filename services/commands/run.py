"""Running services: one of them as its own process, or all in one."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Iterable

from aiokafka.errors import KafkaError

from services.commands.registry import SERVICES
from services.shared.delivery.backoff import unavailable_wait
from services.shared.running.service import Service
from services.shared.settings.base import SecretMissing
from services.shared.settings.model import Settings
from services.store_feed.serving import CannotListen

log = logging.getLogger(__name__)
FOR_A_PERSON = (SecretMissing, CannotListen)


async def run_service(name: str, settings: Settings, ready: asyncio.Event | None = None) -> None:
    """Run a service until cancelled. Raises whatever ends it."""
    async with SERVICES[name](settings) as blueprint:
        service = Service(blueprint, settings)
        if ready is not None:
            service.ready = ready
        await service.run()


async def supervise(name: str, settings: Settings, ready: asyncio.Event | None = None) -> None:
    """Run a service until cancelled; when it fails, say so and start it again after a growing wait.

    Raises what only a person can mend (`SecretMissing`, `CannotListen`): starting again would not help.
    """
    failures = 0
    while True:
        try:
            await run_service(name, settings, ready)
        except Exception as error:
            cause = root_cause(error)
            if isinstance(cause, FOR_A_PERSON):
                raise cause from None
            failures += 1
            await _pause(name, failures, cause)


def root_cause(error: BaseException) -> BaseException:
    """The first failure inside groups of failures."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def _pause(name: str, failures: int, cause: BaseException) -> None:
    pause = unavailable_wait(failures, 1.0, 60.0)
    known = isinstance(cause, KafkaError)  # Kafka is away: its name says enough
    told = {"service": name, "why": repr(cause), "in_seconds": round(pause, 1)}
    log.error("service failed and is started again", extra=told, exc_info=None if known else cause)
    await asyncio.sleep(pause)


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
