"""Storage comes back from an older copy, or a topic is made again: every order is in the books once all the same."""

from __future__ import annotations

import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from services.demo.demo_run import follow_events
from services.demo.kafka import ArchivesBroker, Broker, BrokerError, open_broker
from services.engine.kafka.connection import open_admin
from services.engine.kafka.topics import create_topics
from services.engine.state.files import database_path
from tests.end_to_end.system import ALL_SERVICES, SystemUnderTest, start_system
from tests.end_to_end.waiting import wait_until, wait_until_empty
from tests.support.database_copies import Copy, copy_snapshot, copy_with_truncated_log, copy_without_log, put_back

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.claim("K32"),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(400),
]
ORDERS = 6
Restore = Callable[[SystemUnderTest], Awaitable[None]]


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="system")
async def _system(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SystemUnderTest]:
    async with start_system(tmp_path_factory.mktemp("restored"), kafka.bootstrap_servers) as made:
        await made.programs.start("up", services=len(ALL_SERVICES))
        await made.wait_until_consistent()
        yield made


async def sell_and_refund(system: SystemUnderTest) -> None:
    """Place a few orders and refund one; wait until all of it is in the books."""
    given_back, refund_ids = system.supply.refunded()
    await system.place(given_back, *system.supply.orders(ORDERS - 1))
    await system.wait_until(lambda: f"main:{given_back}" in system.ledger.sales, "the Sale of what is given back")
    await system.refund(given_back, *refund_ids)
    await system.wait_until_consistent()


@asynccontextmanager
async def follow_topics_from_start(system: SystemUnderTest) -> AsyncIterator[None]:
    """While open, the ledger follows the topics as they are now, from their start."""
    async with follow_events(system.settings.kafka) as ledger:
        before, system.ledger = system.ledger, ledger
        yield
        system.ledger = before


@pytest.mark.xdist_group("restored")
@pytest.mark.parametrize(
    "copied",
    [
        copy_without_log,
        pytest.param(copy_snapshot, marks=pytest.mark.long),
        pytest.param(copy_with_truncated_log, marks=pytest.mark.long),
    ],
)
async def test_state_databases_are_restored_from_an_older_copy(
    system: SystemUnderTest, tmp_path: Path, copied: Copy
) -> None:
    # given copies of all state databases, made while the services ran
    files = [database_path(system.settings.state.directory, service) for service in ALL_SERVICES]
    for file in files:
        copied(file, tmp_path / file.name)
    # when more orders and refunds arrive, and the copies replace the databases after that
    await sell_and_refund(system)
    await system.programs.kill("up")
    for file in files:
        put_back(tmp_path / file.name, file)
    await system.programs.start("up", services=len(ALL_SERVICES))
    # then every order and refund is in the books once, and new orders are exported
    await system.place(system.supply.order())
    await system.wait_until_consistent()


@pytest.mark.xdist_group("restored")
@pytest.mark.long
@pytest.mark.parametrize("topic", ["shop.orders", "ledger.documents", "catalog.links", "operations"])
async def test_a_topic_is_deleted_and_created_again_while_services_run(system: SystemUnderTest, topic: str) -> None:
    async with follow_topics_from_start(system):
        await sell_and_refund(system)
    begun = time.monotonic()
    async with open_admin(system.settings.kafka) as asked:
        await asked.delete_topics([system.settings.kafka.topic_prefix + topic])

    async def made() -> bool:
        return system.settings.kafka.topic_prefix + topic in await create_topics(system.settings.kafka)

    await wait_until(made, f"{topic} is made again")
    async with follow_topics_from_start(system):
        await wait_until_published_again(system)
    print(f"{topic}: all in the books {time.monotonic() - begun:.0f} s after it was deleted")


async def _noticed(system: SystemUnderTest) -> bool:
    return bool(system.programs["up"].logged("the state database does not match the log and was set aside"))


async def wait_until_published_again(system: SystemUnderTest) -> None:
    """Wait until every order, refund and document is in the current topics, and in the books once."""
    await wait_until(lambda: _noticed(system), "the services have noticed")
    await system.place(system.supply.order())
    await wait_until_empty(lambda: _list_unpublished_orders(system), "every order and its Sale is in the topics")
    await system.wait_until_consistent()


async def _list_unpublished_orders(system: SystemUnderTest) -> list[str]:
    keys = [f"main:{order['id']}" for order in (await system.world.storefront())["orders"] if order["date_paid"]]
    published = system.ledger.orders.keys() & system.ledger.sales.keys()
    return [key for key in keys if key not in published]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ArchivesBroker]:
    """A broker of this module's own, since its storage is replaced."""
    try:
        async with open_broker("archives", data=tmp_path_factory.mktemp("kafka")) as running:
            yield running
    except BrokerError as error:
        pytest.skip(f"needs a broker of its own: {error}")


async def while_services_are_stopped(system: SystemUnderTest, node: ArchivesBroker, kept: Path) -> None:
    await system.programs.stop("up")
    await _replace(node, kept)
    await system.programs.start("up", services=len(ALL_SERVICES))


async def while_services_run(system: SystemUnderTest, node: ArchivesBroker, kept: Path) -> None:
    await _replace(node, kept)


async def _replace(node: ArchivesBroker, kept: Path) -> None:
    """Kafka is restarted with the storage of the copy."""
    node.kill()
    shutil.rmtree(node.data / "log")
    shutil.copytree(kept, node.data / "log")
    await node.start_again()


@pytest.mark.long
@pytest.mark.xdist_group("broker")
@pytest.mark.parametrize("restored", [while_services_are_stopped, while_services_run])
async def test_kafka_is_restored_from_an_older_copy(
    node: ArchivesBroker,
    tmp_path: Path,
    restored: Callable[[SystemUnderTest, ArchivesBroker, Path], Awaitable[None]],
) -> None:
    kept = tmp_path / "kept"
    async with start_system(tmp_path / "system", node.bootstrap_servers) as made:
        await made.programs.start("up", services=len(ALL_SERVICES))
        await sell_and_refund(made)
        # given a copy of all that Kafka holds
        node.kill()
        shutil.copytree(node.data / "log", kept)
        await node.start_again()
        # when more orders and refunds arrive, and Kafka is restored from the copy after that
        await sell_and_refund(made)
        begun = time.monotonic()
        await restored(made, node, kept)
        async with follow_topics_from_start(made):
            # then every order and refund is in the books once, and in the topics again
            await wait_until_published_again(made)
        print(f"{restored.__name__}: all in the books {time.monotonic() - begun:.0f} s after the restore began")
