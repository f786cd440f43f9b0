"""Apache Kafka's own image on this machine's Docker engine. It begins empty every time."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from services.demo.kafka.broker import Broker, BrokerUnavailable, wait_until_ready

if TYPE_CHECKING:
    from testcontainers.core.container import DockerContainer

IMAGE = "apache/kafka:4.3.1"
START_SECONDS = 90.0
PING_SECONDS = 5


@asynccontextmanager
async def run_container(_data: Path | None) -> AsyncIterator[Broker]:
    """Raises `Unavailable` when no engine answers, when the image cannot be had, and when it does not come up."""
    port = _free_port()
    node = await asyncio.to_thread(_run, port)
    try:
        address = f"127.0.0.1:{port}"
        await _wait_until_up(address)
        yield Broker(address, "container", f"Apache Kafka in a container ({IMAGE})")
    finally:
        await asyncio.to_thread(node.stop)


async def _wait_until_up(address: str) -> None:
    try:
        await wait_until_ready(address, START_SECONDS)
    except TimeoutError as error:
        raise BrokerUnavailable(f"the container of {IMAGE} started, but: {error}") from error


def _run(port: int) -> DockerContainer:
    """Testcontainers belongs to the development tools, so it is looked for only here."""
    try:
        from docker.errors import DockerException
        from testcontainers.core.container import DockerContainer
    except ImportError as error:
        raise BrokerUnavailable("testcontainers is not installed") from error
    try:
        _ensure_image()
        node = DockerContainer(IMAGE).with_envs(**node_settings(port))
        # On loopback only: docker takes a pair of address and port here, which the signature does not show.
        return node.with_bind_ports(port, ("127.0.0.1", port)).start()  # type: ignore[arg-type]
    except DockerException as error:
        raise BrokerUnavailable(f"Docker cannot run {IMAGE}: {error}") from error


def _ensure_image() -> None:
    import docker
    from docker.errors import ImageNotFound

    docker.from_env(timeout=PING_SECONDS).ping()
    engine = docker.from_env()
    try:
        engine.images.get(IMAGE)
    except ImageNotFound:
        engine.images.pull(IMAGE)


def node_settings(port: int) -> dict[str, str]:
    """The image turns each variable `KAFKA_A_B` into the server property `a.b`."""
    listeners = f"PLAINTEXT://0.0.0.0:{port},CONTROLLER://127.0.0.1:{port + 1}"
    return {
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_NODE_ID": "1",
        "KAFKA_LISTENERS": listeners,
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://127.0.0.1:{port}",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": f"1@127.0.0.1:{port + 1}",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
