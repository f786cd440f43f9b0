"""A Kafka for one test that requires a password or a certificate."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography.hazmat.primitives import serialization

ROOT = Path(__file__).parents[2]
USER, PASSWORD = "davtari-operator", "right-password"
START_TIMEOUT = 60.0
PROPERTIES = """
process.roles=broker,controller
node.id=1
listeners=INNER://127.0.0.1:{inner},SCRAM://127.0.0.1:{scram},PLAIN://127.0.0.1:{plain},MUTUAL://127.0.0.1:{mutual},CONTROLLER://127.0.0.1:{controller}
inter.broker.listener.name=INNER
controller.listener.names=CONTROLLER
listener.security.protocol.map=INNER:PLAINTEXT,CONTROLLER:PLAINTEXT,SCRAM:SASL_SSL,PLAIN:SASL_PLAINTEXT,MUTUAL:SSL
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
log.dirs={folder}/log
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
ssl.keystore.type=PEM
ssl.keystore.location={folder}/broker.pem
ssl.truststore.type=PEM
ssl.truststore.location={folder}/ca.pem
listener.name.mutual.ssl.client.auth=required
listener.name.scram.sasl.enabled.mechanisms=SCRAM-SHA-256,SCRAM-SHA-512
listener.name.scram.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.scram.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.plain.sasl.enabled.mechanisms=PLAIN
listener.name.plain.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \\
  user_{user}="{password}";
"""


@dataclass(frozen=True, slots=True)
class Secured:
    """The listeners: SASL_SSL with SCRAM, SASL_PLAINTEXT with PLAIN, SSL with client certificates; and their files."""

    folder: Path
    scram: str
    plain: str
    mutual: str


def _jars() -> str | None:
    found = sorted((ROOT / ".cache" / "kafka").glob("jars-*"))
    return f"{found[-1]}/*" if found else None


def is_available() -> bool:
    """Whether the archives of Kafka are present (`ops/kafka/kafka jars`)."""
    return _jars() is not None


@asynccontextmanager
async def run_secured_broker(folder: Path) -> AsyncIterator[Secured]:
    """A broker in its own process, stopped at the end."""
    ports = dict(zip(("inner", "scram", "plain", "mutual", "controller"), _free_ports(5), strict=True))
    create_certificates(folder)
    text = PROPERTIES.format(folder=folder, user=USER, password=PASSWORD, **ports)
    (folder / "server.properties").write_text(text, encoding="utf-8")
    users = [f"{name}=[name={USER},password={PASSWORD}]" for name in ("SCRAM-SHA-256", "SCRAM-SHA-512")]
    scram = [part for user in users for part in ("--add-scram", user)]
    asked = ("format", "--standalone", "--cluster-id", "c2VjdXJlZC1jbHVzdGVyAA", "--config", "server.properties")
    await asyncio.to_thread(_java, folder, "kafka.tools.StorageTool", *asked, *scram)
    node = await asyncio.create_subprocess_exec(
        *_command("kafka.Kafka", "server.properties"), cwd=folder, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        await _wait_for_listener(ports["mutual"], node)
        yield Secured(folder, *[f"127.0.0.1:{ports[name]}" for name in ("scram", "plain", "mutual")])
    finally:
        if node.returncode is None:
            node.kill()
        await node.wait()


def create_certificates(folder: Path) -> None:
    """Create an authority and certificates of the broker, the client and a stranger, all in PEM."""
    authority, stranger = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    stranger.cert_pem.write_to_path(folder / "other-ca.pem")
    broker = authority.issue_cert("127.0.0.1")
    chain = b"".join(each.bytes() for each in broker.cert_chain_pems)
    (folder / "broker.pem").write_bytes(_as_pkcs8(broker.private_key_pem.bytes()) + chain)
    authority.issue_cert("davtari").private_key_and_cert_chain_pem.write_to_path(folder / "client.pem")
    (folder / "password").write_text(PASSWORD + "\n", encoding="utf-8")
    (folder / "wrong-password").write_text("wrong\n", encoding="utf-8")


def _as_pkcs8(key: bytes) -> bytes:
    """A private key in PKCS 8, the only form that Kafka reads."""
    loaded = serialization.load_pem_private_key(key, password=None)
    return loaded.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _command(*arguments: str) -> list[str]:
    log = f"-Dlog4j2.configurationFile={ROOT / 'ops' / 'kafka' / 'log4j2.properties'}"
    return ["java", "-Xmx384m", "-XX:+UseSerialGC", log, "-cp", str(_jars()), *arguments]


def _java(folder: Path, *arguments: str) -> None:
    ran = subprocess.run(_command(*arguments), cwd=folder, capture_output=True, text=True, env=os.environ, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def _free_ports(count: int) -> list[int]:
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in taken]
    for each in taken:
        each.close()
    return ports


async def _wait_for_listener(port: int, node: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(START_TIMEOUT):
        while True:
            assert node.returncode is None, "the node ended while starting"
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.2)
            else:
                writer.close()
                return
