"""A real Kafka node from its Java archives: it keeps what it was given, through a stop, a freeze and a kill."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from services.demo.kafka import ArchivesBroker, BrokerUnavailable, open_broker
from services.demo.kafka.archives import SCRIPT, run_from_archives
from services.demo.kafka.broker import wait_until_ready

pytestmark = pytest.mark.long

ORDERS = TopicPartition("orders", 0)


async def create_topic(node: ArchivesBroker) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=node.bootstrap_servers)
    await admin.start()
    await admin.create_topics([NewTopic(ORDERS.topic, 1, 1)])
    await admin.close()


async def send(node: ArchivesBroker, value: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=node.bootstrap_servers, acks="all") as producer:
        await producer.send_and_wait(ORDERS.topic, value)


async def stored(node: ArchivesBroker) -> list[bytes]:
    async with AIOKafkaConsumer(bootstrap_servers=node.bootstrap_servers) as consumer:
        consumer.assign([ORDERS])
        await consumer.seek_to_beginning(ORDERS)
        end = (await consumer.end_offsets([ORDERS]))[ORDERS]
        return [(await consumer.getone()).value for _ in range(end)]


@pytest.mark.kafka
@pytest.mark.xdist_group("own-broker")
async def test_a_node_keeps_its_records_through_a_kill_and_a_stop(tmp_path: Path) -> None:
    data = tmp_path / "node"
    async with open_broker("archives", data) as node:
        await create_topic(node)
        await send(node, b"order 1")
        node.kill()
        with pytest.raises(TimeoutError):
            await wait_until_ready(node.bootstrap_servers, seconds=0.5)
        await node.start_again()
        await send(node, b"order 2")
    async with open_broker("archives", data) as same:
        assert same.bootstrap_servers == node.bootstrap_servers, "clients find it where it was"
        assert await stored(same) == [b"order 1", b"order 2"]


@pytest.mark.kafka
@pytest.mark.xdist_group("own-broker")
async def test_a_frozen_node_is_silent_and_goes_on_where_it_was() -> None:
    async with open_broker("archives") as node:
        node.pause()
        with pytest.raises(TimeoutError):
            await wait_until_ready(node.bootstrap_servers, seconds=0.5)
        node.resume()
        await wait_until_ready(node.bootstrap_servers, seconds=20)
        node.pause()
    assert not node.data.exists(), "also a frozen node is stopped, and a folder that nobody named goes with it"


def test_a_stale_pid_file_is_not_mistaken_for_a_node(tmp_path: Path) -> None:
    (tmp_path / "kafka.pid").write_text(str(os.getpid()))
    status = subprocess.run([SCRIPT, "status", "--data", tmp_path], check=False)
    stop = subprocess.run([SCRIPT, "stop", "--data", tmp_path], check=False)
    assert status.returncode != 0, "this process lives, but it is no Kafka node"
    assert stop.returncode == 0, "and it was not stopped in its place"


@pytest.mark.parametrize("line", [[], ["begin"], ["start", "--colour", "red"], ["start", "--data"]])
def test_a_wrong_command_line_is_answered_with_the_right_ones(line: list[str]) -> None:
    done = subprocess.run([SCRIPT, *line], capture_output=True, text=True, check=False)
    assert done.returncode == 64
    assert "ops/kafka/kafka start" in done.stderr


async def test_an_installation_without_the_script_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("services.demo.kafka.archives.ROOT", tmp_path)
    monkeypatch.setattr("services.demo.kafka.archives.SCRIPT", tmp_path / "ops" / "kafka" / "kafka")
    with pytest.raises(BrokerUnavailable, match="run from a checkout"):
        async with run_from_archives(None):
            pytest.fail("there is nothing to start")


def test_where_nothing_may_be_installed_the_line_to_type_is_printed(tmp_path: Path) -> None:
    """Given a user without root, sudo or a password; then the machine is left alone and the user sees the command."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("bash", "env"):
        (tools / tool).symlink_to(str(shutil.which(tool)))
    done = subprocess.run(
        [SCRIPT.parents[1] / "setup" / "packages", "maven"],
        env={"PATH": str(tools)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "sudo apt-get install -y --no-install-recommends maven" in done.stderr.replace("update && sudo apt-get ", "")
