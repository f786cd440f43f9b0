"""Services are killed (SIGKILL) at the moments that matter, and started again: nothing is lost or duplicated."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from services.demo.kafka import Broker
from tests.end_to_end import outboxes, sandbox_requests
from tests.end_to_end.kill_points import KILL_POINTS, KillPoint
from tests.end_to_end.system import ALL_SERVICES, SystemUnderTest, start_system
from tests.end_to_end.waiting import wait_until

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.xdist_group("killed"),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(300),
]


FURTHER = ("is down", "searching for the Sale", "after prices", "reading refunds", "reading stock")
"""Points that differ little from others; they are long tests."""


def marks(name: str) -> tuple[pytest.MarkDecorator, ...]:
    return (pytest.mark.long,) if name.endswith(FURTHER) else ()


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="system")
async def _system(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SystemUnderTest]:
    notes = {"mode": "live", "since": "2020-01-01"}
    async with start_system(
        tmp_path_factory.mktemp("killed"), kafka.bootstrap_servers, shops__main__notes=notes
    ) as made:
        await made.programs.start(*ALL_SERVICES)
        await made.wait_until_consistent()
        yield made


@pytest.mark.claim("K2", "K22", "S2.2")
@pytest.mark.parametrize(
    "point", [pytest.param(point, id=name, marks=marks(name)) for name, point in KILL_POINTS.items()]
)
async def test_a_service_killed_at_any_point_loses_and_duplicates_nothing(
    system: SystemUnderTest, point: KillPoint
) -> None:
    # given a service at this point
    async with point.reach(system):
        # when it dies
        await system.programs.kill(point.service)
    # and is started again later
    await system.programs.start(point.service)
    # then shop and books are consistent
    await system.wait_until_consistent()


@pytest.mark.long
@pytest.mark.claim("K2")
async def test_services_are_killed_in_turn_while_orders_and_refunds_arrive(system: SystemUnderTest) -> None:
    given_back: list[tuple[int, list[int]]] = []
    for service in ALL_SERVICES:
        # when a service is killed during orders and refunds, and started again
        await system.place(system.supply.order())
        if len(given_back) < 2:
            order_id, refund_ids = system.supply.refunded()
            await system.place(order_id)
            given_back.append((order_id, refund_ids))
        await system.programs.kill(service)
        await system.programs.start(service)
    for order_id, refund_ids in given_back:
        await system.refund(order_id, *refund_ids)
    # then every order and refund is in the books once
    await system.wait_until_consistent()


@pytest.mark.claim("S2.3", "K2", "K19")
@pytest.mark.parametrize("service", ALL_SERVICES)
async def test_a_lost_state_database_is_rebuilt_from_the_topics(system: SystemUnderTest, service: str) -> None:
    # given a service that is idle, as all others are, and loses its database
    await _wait_until_idle(system)
    before = await system.writes()
    await system.programs.kill(service)
    assert outboxes.delete_state_database(system.settings.state.directory, service) > 0
    # when it is started again, and has read both systems completely
    swept = await _sweeps(system)
    await system.programs.start(service)
    await _read_everything(system, swept)
    await system.wait_until_consistent()
    # then it has written nothing
    assert await system.writes() == before
    # and it processes the next order
    await system.place(system.supply.order())
    await system.wait_until_consistent()


async def _wait_until_idle(system: SystemUnderTest) -> None:
    """Import until Balance reports no changes (Sales lower its stock), then wait for the shop."""

    async def nothing_new() -> bool:
        answers = [await system.import_now(resource) for resource in ("items", "prices", "stock")]
        return all(answer.figures["changed"] == 0 for answer in answers)

    await wait_until(nothing_new, "Balance reports no changes")
    await system.wait_until_consistent()


async def _read_everything(system: SystemUnderTest, swept: int) -> None:
    """Read all of Balance and wait for another sweep of the shop: neither has anything new."""
    answers = [await system.import_now(resource) for resource in ("items", "prices", "stock")]
    assert [answer.figures["changed"] for answer in answers] == [0, 0, 0]

    async def swept_again() -> bool:
        return await _sweeps(system) > swept

    await wait_until(swept_again, "the shop is swept again")


async def _sweeps(system: SystemUnderTest) -> int:
    asked = await sandbox_requests.list_requests(system.world.shop)
    return sum(entry["path"].endswith("/orders") and "modified_after" in entry["query"] for entry in asked)


async def test_every_document_has_exactly_one_order_note(system: SystemUnderTest) -> None:
    async def noted() -> bool:
        notes = Counter(note["order_id"] for note in (await system.world.storefront())["notes"])
        books = await system.world.books()
        return sum(notes.values()) == len(books["sales"]) + len(books["credit_notes"])

    await wait_until(noted, "a note for each Sale and each credit note, and no other")
    texts = [note["note"] for note in (await system.world.storefront())["notes"]]
    assert len(set(texts)) == len(texts)


async def test_every_service_has_a_kill_point() -> None:
    assert {point.service for point in KILL_POINTS.values()} == set(ALL_SERVICES)
