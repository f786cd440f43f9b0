"""Starting Kafka clients within a bounded time, waiting for Kafka, and explaining why no client gets in.

aiokafka reports "unable to bootstrap" whether nothing listens there, TLS fails or the user is not accepted; so each
server is tried here to find out which it is.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

from aiokafka.errors import KafkaError

from services.engine.backoff import unavailable_wait
from services.engine.kafka.security import tls_context
from services.settings.kafka import KafkaSettings

log = logging.getLogger(__name__)
ResultT = TypeVar("ResultT")
DEFAULT_PORT = 9092
CONNECT_TIMEOUT = 3.0
"""Seconds in which a server that is up accepts a connection."""
START_TIMEOUT = 15.0
"""Seconds in which a Kafka that is up lets a client in."""
FIRST_WAIT, LONGEST_WAIT = 0.5, 10.0
"""Seconds between two attempts of `retry_until_available`."""
START_COMMAND = "docker compose up --detach kafka"
UNAVAILABLE = (KafkaError, OSError, TimeoutError)
"""What a call to Kafka raises while Kafka is down, starting, or does not let the client in."""


class KafkaNotReady(KafkaError):  # type: ignore[misc]
    """Kafka cannot be used yet. It may become usable by itself, or after a person has done what `fix` says."""

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.message, self.fix = message, fix

    def __str__(self) -> str:
        return f"{self.message}. {self.fix}" if self.fix else self.message


class KafkaUnreachable(KafkaNotReady):
    """Kafka is down or does not let the client in; the message states the address and what to do."""


class TopicsMissing(KafkaNotReady):
    """Topics that are read or written do not exist; the message names them and the command that creates them."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Why a client cannot connect, and the command to run or the settings to check."""

    message: str
    fix: str


async def await_start(starting: Awaitable[None], settings: KafkaSettings) -> None:
    """Await the start of a client. Raises `KafkaUnreachable` when it fails, or takes longer than `START_TIMEOUT`."""
    try:
        async with asyncio.timeout(START_TIMEOUT):
            await starting
    except TimeoutError:
        raise await unreachable_error(settings, f"no answer within {START_TIMEOUT:g} s") from None
    except (KafkaError, OSError) as error:
        raise await unreachable_error(settings, type(error).__name__) from error


async def unreachable_error(settings: KafkaSettings, why: str) -> KafkaUnreachable:
    """The error to raise after a client could not start; `why` is the client's own message."""
    found = await diagnose(settings, why)
    return KafkaUnreachable(found.message, found.fix)


async def retry_until_available(
    reach: Callable[[], Awaitable[ResultT]], on_wait: Callable[[str], None] = lambda _: None
) -> ResultT:
    """Call Kafka until it answers. Each failure is one log line; `on_wait` gets the reason, and "" after success.

    A task that must not end calls Kafka only through this function, or repeats its calls in a loop of its own.
    """
    started, failures = time.monotonic(), 0
    while True:
        try:
            result = await reach()
        except UNAVAILABLE as error:
            failures += 1
            pause, why = unavailable_wait(failures, FIRST_WAIT, LONGEST_WAIT), describe_failure(error)
            waited = round(time.monotonic() - started)
            log.warning("waiting for Kafka", extra={"why": why, "waited": waited, "in_seconds": round(pause, 1)})
            on_wait(why)
            await asyncio.sleep(pause)
        else:
            on_wait("")
            return result


def describe_failure(error: BaseException) -> str:
    """The message for a person about a failed call to Kafka."""
    return str(error) if isinstance(error, KafkaNotReady) else f"Kafka does not answer: {error!r}"


async def diagnose(settings: KafkaSettings, why: str) -> Diagnosis:
    """Connect to each server with these settings and report what fails; `why` is the client's own message."""
    servers = settings.bootstrap_servers
    refused = [await find_connection_fault(host, port) for host, port in split_servers(servers)]
    if all(refused):
        message = f"Nothing listens at {servers} ({refused[0]})"
        return Diagnosis(message, f"{START_COMMAND}, or correct kafka.bootstrap-servers")
    if settings.uses_tls and (fault := await _tls_fault(settings)):
        return Diagnosis(f"TLS does not work with {servers} ({fault})", f"Check {_setting_keys(settings)}")
    protocol = settings.security_protocol
    if settings.uses_sasl:
        user = f"user {settings.user_name} ({protocol}, {settings.sasl_mechanism})"
        message = f"Kafka at {servers} does not accept {user}: {why}"
        return Diagnosis(message, f"Check {_setting_keys(settings)}{_password_hint(settings)}")
    message = f"Something listens at {servers}, but no Kafka answers there with {protocol} ({why})"
    return Diagnosis(message, f"Compare {_setting_keys(settings)} with the listeners of the broker")


def split_servers(servers: str) -> list[tuple[str, int]]:
    """Host and port of each server of `kafka.bootstrap-servers`."""
    parts = [urlsplit(f"//{server.strip()}") for server in servers.split(",") if server.strip()]
    return [(part.hostname or "", part.port or DEFAULT_PORT) for part in parts]


async def find_connection_fault(host: str, port: int, tls: ssl.SSLContext | None = None) -> str:
    """Why a connection fails; empty when it succeeds."""
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            _, writer = await asyncio.open_connection(host, port, ssl=tls)
    except TimeoutError:
        return f"no answer within {CONNECT_TIMEOUT:g} s"
    except ssl.SSLError as error:
        return error.reason or type(error).__name__
    except OSError as error:
        return error.strerror or type(error).__name__
    writer.close()
    return ""


async def _tls_fault(settings: KafkaSettings) -> str:
    servers = split_servers(settings.bootstrap_servers)
    faults = [await find_connection_fault(host, port, tls_context(settings)) for host, port in servers]
    return faults[0] if all(faults) else ""


def _setting_keys(settings: KafkaSettings) -> str:
    keys = ["kafka.security-protocol", "kafka.bootstrap-servers"]
    keys += ["kafka.user-name", "kafka.password-file", "kafka.sasl-mechanism"] if settings.uses_sasl else []
    keys += ["kafka.ca-file", "kafka.certificate-file"] if settings.uses_tls else []
    return ", ".join(keys)


def _password_hint(settings: KafkaSettings) -> str:
    if not settings.sasl_mechanism.startswith("SCRAM"):
        return ""
    change = (
        f"--entity-type users --entity-name {settings.user_name} --add-config '{settings.sasl_mechanism}=[password=…]'"
    )
    return f"; to set a new password: kafka-configs --bootstrap-server {settings.bootstrap_servers} --alter {change}"
