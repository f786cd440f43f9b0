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
from tests.end_to_end.stage import ALL, Stage, stage
from tests.end_to_end.waiting import until, until_empty
from tests.runtime.test_older_state import Copy, a_snapshot, put_back, with_its_log_cut, without_its_log

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.claim("K32"),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(400),
]
ORDERS = 6
Restore = Callable[[Stage], Awaitable[None]]


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="stage")
async def _stage(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with stage(tmp_path_factory.mktemp("restored"), kafka.bootstrap_servers) as made:
        await made.programs.start("up", services=len(ALL))
        await made.closes()
        yield made


async def sells(stage: Stage) -> None:
    """The shop sells a few times and gives back once; all of it comes into the books."""
    given_back, refund_ids = stage.supply.refunded()
    await stage.place(given_back, *stage.supply.orders(ORDERS - 1))
    await stage.until(lambda: f"main:{given_back}" in stage.ledger.sales, "the Sale of what is given back")
    await stage.refund(given_back, *refund_ids)
    await stage.closes()


@asynccontextmanager
async def told_anew(stage: Stage) -> AsyncIterator[None]:
    """The stage listens to the topics as they are now."""
    async with follow_events(stage.settings.kafka) as ledger:
        before, stage.ledger = stage.ledger, ledger
        yield
        stage.ledger = before


@pytest.mark.xdist_group("restored")
@pytest.mark.parametrize(
    "copied",
    [
        without_its_log,
        pytest.param(a_snapshot, marks=pytest.mark.long),
        pytest.param(with_its_log_cut, marks=pytest.mark.long),
    ],
)
async def test_state_databases_come_back_from_an_older_copy(stage: Stage, tmp_path: Path, copied: Copy) -> None:
    # given copies of all state databases, made while the services ran
    files = [database_path(stage.settings.state.directory, service) for service in ALL]
    for file in files:
        copied(file, tmp_path / file.name)
    # when the shop sells and gives back, and the copies take the place of the databases after that
    await sells(stage)
    await stage.programs.kill("up")
    for file in files:
        put_back(tmp_path / file.name, file)
    await stage.programs.start("up", services=len(ALL))
    # then every order and refund is in the books once, and it goes on
    await stage.place(stage.supply.order())
    await stage.closes()


@pytest.mark.xdist_group("restored")
@pytest.mark.long
@pytest.mark.parametrize("topic", ["shop.orders", "ledger.documents", "catalog.links", "operations"])
async def test_a_topic_is_deleted_and_made_again_while_the_services_run(stage: Stage, topic: str) -> None:
    async with told_anew(stage):
        await sells(stage)
    begun = time.monotonic()
    async with open_admin(stage.settings.kafka) as asked:
        await asked.delete_topics([stage.settings.kafka.topic_prefix + topic])

    async def made() -> bool:
        return stage.settings.kafka.topic_prefix + topic in await create_topics(stage.settings.kafka)

    await until(made, f"{topic} is made again")
    async with told_anew(stage):
        await all_is_told_again(stage)
    print(f"{topic}: all in the books {time.monotonic() - begun:.0f} s after it was deleted")


async def _noticed(stage: Stage) -> bool:
    return bool(stage.programs["up"].heard("the state database does not match the log and was set aside"))


async def all_is_told_again(stage: Stage) -> None:
    """Every order, refund and document is in the topics as they are now, and in the books once."""
    await until(lambda: _noticed(stage), "the services have noticed")
    await stage.place(stage.supply.order())
    await until_empty(lambda: _untold(stage), "every order and its Sale is in the topics")
    await stage.closes()


async def _untold(stage: Stage) -> list[str]:
    keys = [f"main:{order['id']}" for order in (await stage.world.storefront())["orders"] if order["date_paid"]]
    told = stage.ledger.orders.keys() & stage.ledger.sales.keys()
    return [key for key in keys if key not in told]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ArchivesBroker]:
    """A broker of this module's own, since its storage is replaced."""
    try:
        async with open_broker("archives", data=tmp_path_factory.mktemp("kafka")) as running:
            yield running
    except BrokerError as error:
        pytest.skip(f"needs a broker of its own: {error}")


async def with_the_services_at_rest(stage: Stage, node: ArchivesBroker, kept: Path) -> None:
    await stage.programs.stop("up")
    await _replace(node, kept)
    await stage.programs.start("up", services=len(ALL))


async def under_running_services(stage: Stage, node: ArchivesBroker, kept: Path) -> None:
    await _replace(node, kept)


async def _replace(node: ArchivesBroker, kept: Path) -> None:
    """Kafka comes back with what it had when the copy was made."""
    node.kill()
    shutil.rmtree(node.data / "log")
    shutil.copytree(kept, node.data / "log")
    await node.start_again()


@pytest.mark.long
@pytest.mark.xdist_group("broker")
@pytest.mark.parametrize("restored", [with_the_services_at_rest, under_running_services])
async def test_kafka_comes_back_from_an_older_copy(
    node: ArchivesBroker,
    tmp_path: Path,
    restored: Callable[[Stage, ArchivesBroker, Path], Awaitable[None]],
) -> None:
    kept = tmp_path / "kept"
    async with stage(tmp_path / "stage", node.bootstrap_servers) as made:
        await made.programs.start("up", services=len(ALL))
        await sells(made)
        # given a copy of all that Kafka holds
        node.kill()
        shutil.copytree(node.data / "log", kept)
        await node.start_again()
        # when the shop sells and gives back, and Kafka comes back from the copy after that
        await sells(made)
        begun = time.monotonic()
        await restored(made, node, kept)
        async with told_anew(made):
            # then every order and refund is in the books once, and in the topics again
            await all_is_told_again(made)
        print(f"{restored.__name__}: all in the books {time.monotonic() - begun:.0f} s after the restore began")
