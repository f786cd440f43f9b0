"""Why no client gets into a Kafka: nothing listens there, TLS does not work, or the user is not accepted.

aiokafka says "unable to bootstrap" for all three, so the servers are tried here by hand.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from services.engine.kafka.security import trust
from services.settings.kafka import KafkaSettings

PORT = 9092
ANSWERS_IN = 3.0
"""Seconds in which a server that is there accepts a connection."""
START = "docker compose up --detach kafka"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is wrong, and the one command to type or the keys to compare."""

    told: str
    fix: str


async def diagnose(settings: KafkaSettings, why: str) -> Diagnosis:
    """Try to connect to each server as the settings say; `why` is what the client said."""
    at = settings.bootstrap_servers
    refused = [await _refusal(host, port, None) for host, port in _servers(at)]
    if all(refused):
        return Diagnosis(f"nothing listens at {at} ({refused[0]})", f"{START}, or correct kafka.bootstrap-servers")
    if settings.uses_tls and (fault := await _tls_fault(settings)):
        return Diagnosis(f"TLS does not work with {at} ({fault})", f"compare {_keys(settings)}")
    how = settings.security_protocol
    if settings.uses_sasl:
        who = f"user {settings.user_name} ({how}, {settings.sasl_mechanism})"
        told = f"Kafka at {at} does not accept {who}: {why}"
        return Diagnosis(told, f"compare {_keys(settings)}{_set_password(settings)}")
    told = f"something listens at {at}, but no Kafka answers there with {how} ({why})"
    return Diagnosis(told, f"compare {_keys(settings)} with the listeners of the broker")


def _servers(text: str) -> list[tuple[str, int]]:
    parts = [urlsplit(f"//{server.strip()}") for server in text.split(",") if server.strip()]
    return [(part.hostname or "", part.port or PORT) for part in parts]


async def _refusal(host: str, port: int, tls: ssl.SSLContext | None) -> str:
    """Why there is no connection; empty when there is one."""
    try:
        async with asyncio.timeout(ANSWERS_IN):
            _, writer = await asyncio.open_connection(host, port, ssl=tls)
    except TimeoutError:
        return f"no answer within {ANSWERS_IN:g} s"
    except ssl.SSLError as error:
        return error.reason or type(error).__name__
    except OSError as error:
        return error.strerror or type(error).__name__
    writer.close()
    return ""


async def _tls_fault(settings: KafkaSettings) -> str:
    faults = [await _refusal(host, port, trust(settings)) for host, port in _servers(settings.bootstrap_servers)]
    return faults[0] if all(faults) else ""


def _keys(settings: KafkaSettings) -> str:
    keys = ["kafka.security-protocol", "kafka.bootstrap-servers"]
    keys += ["kafka.user-name", "kafka.password-file", "kafka.sasl-mechanism"] if settings.uses_sasl else []
    keys += ["kafka.ca-file", "kafka.certificate-file"] if settings.uses_tls else []
    return ", ".join(keys)


def _set_password(settings: KafkaSettings) -> str:
    if not settings.sasl_mechanism.startswith("SCRAM"):
        return ""
    set_to = (
        f"--entity-type users --entity-name {settings.user_name} --add-config '{settings.sasl_mechanism}=[password=…]'"
    )
    return f"; a new password: kafka-configs --bootstrap-server {settings.bootstrap_servers} --alter {set_to}"
