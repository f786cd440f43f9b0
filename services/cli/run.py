"""`davtari up` and `davtari run`: all services in one process, or one service."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from aiokafka.errors import KafkaError

from services.cli.command import WRONG_SETTINGS, command, read_settings
from services.cli.registry import OPTIONAL_SERVICES, SERVICES, configured_services, load_blueprint
from services.cli.screen import errors, styled
from services.engine.backoff import unavailable_wait
from services.engine.clock import utc_now
from services.engine.kafka.availability import retry_until_available
from services.engine.kafka.membership import Displaced
from services.engine.kafka.signature import require_public_key
from services.engine.kafka.topics import TopicsNotCreated, create_topics
from services.engine.person_ids import use_secret
from services.engine.runtime.process_monitor import ProcessMonitor, serve_telemetry
from services.engine.runtime.service import Service
from services.engine.runtime.serving import CannotListen
from services.engine.state.errors import first_cause
from services.engine.state.files import OTHERS, make_private
from services.engine.state.lock import AlreadyRunning, require_not_running
from services.engine.telemetry.metrics import RESTARTS
from services.engine.telemetry.tracing import export_spans
from services.settings import SettingsError
from services.settings.base import SecretMissing
from services.settings.model import KafkaSettings, Settings

log = logging.getLogger(__name__)
PERMANENT_FAILURES = (SecretMissing, SettingsError, CannotListen, TopicsNotCreated, AlreadyRunning)
Watching = Callable[[Service], AbstractContextManager[object]]
"""Opens a context for the time that a service runs."""


async def run_service(
    name: str, settings: Settings, ready: asyncio.Event | None = None, watching: Watching = nullcontext
) -> None:
    """Run a service until it is cancelled. Raises the error that ended it."""
    use_secret(settings.privacy.secret)
    async with load_blueprint(name)(settings) as blueprint:
        running = Service(blueprint, settings)
        if ready is not None:
            running.ready = ready
        with watching(running):
            await running.run()


async def supervise(
    name: str, settings: Settings, ready: asyncio.Event | None = None, watching: Watching = nullcontext
) -> None:
    """Run a service until it is cancelled. After an error it is restarted, with a growing delay.

    Raises `PERMANENT_FAILURES`, which a restart cannot fix. A service that another instance has displaced is
    restarted: the other instance may end, and the other services of this process go on.
    """
    failures, displaced = 0, False
    while True:
        try:
            await run_service(name, settings, ready, watching)
        except Exception as error:
            cause = first_cause(error)
            displaced = displaced or isinstance(cause, Displaced)
            if isinstance(cause, PERMANENT_FAILURES) and not (displaced and isinstance(cause, AlreadyRunning)):
                raise cause from None
            failures += 1
            await _pause(name, failures, cause)


async def _pause(name: str, failures: int, cause: BaseException) -> None:
    RESTARTS.labels(name).inc()
    pause = unavailable_wait(failures, 1.0, 60.0)
    known = isinstance(cause, KafkaError | AlreadyRunning)  # needs no traceback
    fields = {"service": name, "why": repr(cause), "in_seconds": round(pause, 1)}
    log.error("service failed and will be restarted", extra=fields, exc_info=None if known else cause)
    await asyncio.sleep(pause)


async def run_until_signalled(names: Iterable[str], settings: Settings, *, supervised: bool) -> None:
    """Run services until SIGTERM or SIGINT, and finish current work first. Serves health and metrics."""
    settings.privacy.secret()  # refused before anything starts, and not when the first id is needed
    _keep_files_private(settings.state.directory)
    chosen, telemetry = list(names), settings.telemetry
    require_public_key(settings.commands)
    await require_not_running(settings.state.directory, chosen, utc_now)
    monitor = ProcessMonitor(chosen, telemetry.stalled_after)
    run = partial(supervise if supervised else run_service, settings=settings, watching=monitor.watch_service)
    async with export_spans(telemetry, f"davtari-{chosen[0]}" if len(chosen) == 1 else "davtari"):
        port = telemetry.port_for(chosen)
        topics = [_create_missing_topics(settings.kafka)] if supervised else []
        await _until_signalled([*[run(n) for n in chosen], serve_telemetry(monitor, telemetry, port), *topics])


def _keep_files_private(directory: Path) -> None:
    """No other user of this machine can read what services write, nor what they wrote before."""
    os.umask(OTHERS)
    directory.mkdir(parents=True, exist_ok=True)
    make_private(directory)


async def _create_missing_topics(settings: KafkaSettings) -> None:
    """Create missing topics as soon as Kafka answers; the services wait for them."""
    if made := await retry_until_available(lambda: create_topics(settings)):
        log.info("topics created", extra={"topics": len(made)})


async def _until_signalled(coroutines: Sequence[Coroutine[object, object, object]]) -> None:
    """Cancel all on a signal and wait for each; `asyncio.gather` would return after the first."""
    running, loop = asyncio.create_task(_run_all(coroutines)), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, running.cancel)
    try:
        await running
    except asyncio.CancelledError:
        log.info("stopped")


async def _run_all(coroutines: Sequence[Coroutine[object, object, object]]) -> None:
    async with asyncio.TaskGroup() as tasks:
        for coroutine in coroutines:
            tasks.create_task(coroutine)


@command
async def up() -> int:
    """Run all services in this process until SIGTERM or Ctrl-C."""
    chosen = read_settings()
    await run_until_signalled(configured_services(chosen), chosen, supervised=True)
    return 0


@command
async def run_command(service: Annotated[str, typer.Argument(help=", ".join((*SERVICES, *OPTIONAL_SERVICES)))]) -> int:
    """Run one service in this process until SIGTERM or Ctrl-C."""
    if service not in (*SERVICES, *OPTIONAL_SERVICES):
        errors.print(
            styled(f"Unknown service {service!r}. Services: {', '.join((*SERVICES, *OPTIONAL_SERVICES))}", "red")
        )
        return WRONG_SETTINGS
    await run_until_signalled([service], read_settings(), supervised=False)
    return 0
