"""Access control lists of a cluster: adds rules to them, and finds out whether a stranger could use the cluster.

aiokafka's admin client has no functions for them, so the requests of its protocol are sent through its client.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import IntEnum

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import for_code
from aiokafka.protocol.admin import CreateAclsRequest_v1, DescribeAclsRequest
from aiokafka.protocol.api import Request

from services.engine.kafka.availability import await_start, find_connection_fault, split_servers
from services.engine.kafka.security import client_options
from services.settings.kafka import KafkaSettings

SECURITY_DISABLED = 54
"""Error code of the Kafka protocol: the broker has no authorizer."""
ANYBODY_ELSE = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}
"""Addresses that nobody has (RFC 5737, RFC 3849): the system states from which of ours it would send there."""


_KNOWN_TO_CHECK: set[str] = set()
"""Servers that were found to check rights. A broker logs an error when somebody without the right to it asks for its
rules, so each process asks once; no broker loses its authorizer without a restart.
"""


class ResourceKind(IntEnum):
    """Kinds of resources in the Kafka protocol."""

    ANY = 1
    TOPIC = 2
    GROUP = 3


class PatternKind(IntEnum):
    """How a rule's name is compared, in the Kafka protocol."""

    ANY = 1
    LITERAL = 3
    PREFIXED = 4


class Operation(IntEnum):
    """Operations in the Kafka protocol."""

    ANY = 1
    READ = 3
    WRITE = 4
    CREATE = 5
    DESCRIBE = 8
    DESCRIBE_CONFIGS = 10


_ANY, _ALLOW, _EVERY_HOST = 1, 3, "*"


@dataclass(frozen=True, slots=True)
class AclRule:
    """A rule that allows a user one operation on the resources of a name."""

    user: str
    operation: Operation
    resource: ResourceKind
    name: str
    pattern: PatternKind


class RulesRefused(Exception):
    """Kafka did not add a rule; the message contains its answer and what to do."""


class _Creations(Request[CreateAclsRequest_v1]):  # type: ignore[misc]
    """Many rules in one request; aiokafka's own has one each, and a cluster takes a moment for each request."""

    API_KEY = CreateAclsRequest_v1.API_KEY

    def __init__(self, rules: Iterable[AclRule]) -> None:
        self._rules = [
            (rule.resource, rule.name, rule.pattern, f"User:{rule.user}", _EVERY_HOST, rule.operation, _ALLOW)
            for rule in rules
        ]

    def build(self, request_struct_class: type[CreateAclsRequest_v1]) -> CreateAclsRequest_v1:
        return request_struct_class(self._rules)


async def add_rules(settings: KafkaSettings, rules: Iterable[AclRule]) -> None:
    """Add rules; those that exist already stay. Raises `KafkaUnreachable`, and `RulesRefused` with what to do."""
    async with _open_client(settings) as client:
        answer = await client.send(client.get_random_node(), _Creations(rules))
    for code, _ in answer.creation_responses:
        if code:
            raise RulesRefused(_describe_refusal(settings, code))


def _describe_refusal(settings: KafkaSettings, code: int) -> str:
    user = settings.user_name or "this client"
    if code == SECURITY_DISABLED:
        return f"Kafka at {settings.bootstrap_servers} checks no rights: set authorizer.class.name in its configuration"
    why = for_code(code).__name__
    return f"Kafka did not add the rules ({why}). {user} must be an administrator (super.users) of the cluster"


async def find_exposure(settings: KafkaSettings) -> str:
    """Why anybody who reaches Kafka could use it as Davtari does; empty if nobody can.

    Nobody can if the cluster checks rights and this client has to say who it is, or if only this machine reaches it.
    Raises `KafkaUnreachable`.
    """
    async with _open_client(settings) as client:
        checks_rights = await _checks_rights(client, settings.bootstrap_servers)
        brokers = [(broker.host, broker.port) for broker in client.cluster.brokers()]
    if checks_rights and settings.authenticates:
        return ""
    reached = await _find_reachable([*split_servers(settings.bootstrap_servers), *brokers])
    why = "checks no rights" if not checks_rights else "asks nobody for a name"
    return f"Kafka {why}, and other machines reach it at {reached}" if reached else ""


async def _checks_rights(client: AIOKafkaClient, servers: str) -> bool:
    """Whether the broker has an authorizer. One that refuses the question has one, too."""
    if servers in _KNOWN_TO_CHECK:
        return True
    question = DescribeAclsRequest(ResourceKind.ANY, None, PatternKind.ANY, None, None, _ANY, _ANY)
    answer = await client.send(client.get_random_node(), question)
    if answer.error_code != SECURITY_DISABLED:
        _KNOWN_TO_CHECK.add(servers)
    return servers in _KNOWN_TO_CHECK


async def _find_reachable(servers: Iterable[tuple[str, int]]) -> str:
    """The first address that is not a loopback address, or at which the same port answers besides it; else empty."""
    for host, port in dict.fromkeys(servers):
        if not await _is_loopback(host, port):
            return f"{host}:{port}"
        for address in _own_addresses():
            if not await find_connection_fault(address, port):
                return f"{address}:{port}"
    return ""


async def _is_loopback(host: str, port: int) -> bool:
    """Whether a name leads to this machine only; one that cannot be resolved may lead anywhere."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return all(ipaddress.ip_address(str(address[0]).partition("%")[0]).is_loopback for *_, address in found)


def _own_addresses() -> list[str]:
    """The addresses from which this machine speaks with others. Nothing is sent to find them."""
    found = []
    for family, elsewhere in ANYBODY_ELSE.items():
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as asking:
                asking.connect((elsewhere, 9))
                found.append(str(asking.getsockname()[0]))
        except OSError:  # no route to other machines
            continue
    return [address for address in found if not ipaddress.ip_address(address).is_loopback]


@asynccontextmanager
async def _open_client(settings: KafkaSettings) -> AsyncIterator[AIOKafkaClient]:
    client = AIOKafkaClient(**client_options(settings), client_id="davtari-admin", request_timeout_ms=30_000)
    try:
        await await_start(client.bootstrap(), settings)
        yield client
    finally:
        await client.close()
