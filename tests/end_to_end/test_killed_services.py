"""Services are killed (SIGKILL) at the moments that matter, and started again: nothing is lost, nothing comes twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from services.demo.kafka import Broker
from tests.end_to_end import journal, outboxes
from tests.end_to_end.points import POINTS, Point
from tests.end_to_end.stage import ALL, Stage, stage
from tests.end_to_end.waiting import until

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.xdist_group("killed"),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(300),
]


FURTHER = ("is down", "looking for", "after prices", "reading refunds", "middle of stock")
"""Points that differ little from others: among the long tests."""


def marks(name: str) -> tuple[pytest.MarkDecorator, ...]:
    return (pytest.mark.long,) if name.endswith(FURTHER) or FURTHER[1] in name else ()


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="stage")
async def _stage(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    notes = {"mode": "live", "since": "2020-01-01"}
    async with stage(tmp_path_factory.mktemp("killed"), kafka.bootstrap_servers, shops__main__notes=notes) as made:
        await made.programs.start(*ALL)
        await made.closes()
        yield made


@pytest.mark.claim("K2", "K22", "S2.2")
@pytest.mark.parametrize("point", [pytest.param(point, id=name, marks=marks(name)) for name, point in POINTS.items()])
async def test_killed_and_started_again(stage: Stage, point: Point) -> None:
    # given a service that stands at this point
    async with point.reached(stage):
        # when it dies
        await stage.programs.kill(point.service)
    # and is started again later
    await stage.programs.start(point.service)
    # then all is as if it had not
    await stage.closes()


@pytest.mark.long
@pytest.mark.claim("K2")
async def test_one_after_the_other_dies_while_the_shop_goes_on(stage: Stage) -> None:
    given_back: list[tuple[int, list[int]]] = []
    for service in ALL:
        # when in the midst of orders and refunds a service dies, wherever it is, and comes back
        await stage.place(stage.supply.order())
        if len(given_back) < 2:
            order_id, refund_ids = stage.supply.refunded()
            await stage.place(order_id)
            given_back.append((order_id, refund_ids))
        await stage.programs.kill(service)
        await stage.programs.start(service)
    for order_id, refund_ids in given_back:
        await stage.refund(order_id, *refund_ids)
    # then every order and refund is in the books once
    await stage.closes()


@pytest.mark.claim("S2.3", "K2", "K19")
@pytest.mark.parametrize("service", ALL)
async def test_a_lost_state_database_comes_back_from_the_topics(stage: Stage, service: str) -> None:
    # given a service that has done its work, all that follows from it too, and loses its database
    await _comes_to_rest(stage)
    before = await stage.writes()
    await stage.programs.kill(service)
    assert outboxes.forget(stage.settings.state.directory, service) > 0
    # when it is started again, and has looked at the whole of both systems
    swept = await _sweeps(stage)
    await stage.programs.start(service)
    await _look_at_everything(stage, swept)
    await stage.closes()
    # then it has written nothing
    assert await stage.writes() == before
    # and goes on where it was
    await stage.place(stage.supply.order())
    await stage.closes()


async def _comes_to_rest(stage: Stage) -> None:
    """Sales lower Balance's stock: read it until there is nothing new, and let the shop follow."""

    async def nothing_new() -> bool:
        answers = [await stage.imported(resource) for resource in ("items", "prices", "stock")]
        return all(answer.figures["changed"] == 0 for answer in answers)

    await until(nothing_new, "Balance has nothing new to say")
    await stage.closes()


async def _look_at_everything(stage: Stage, swept: int) -> None:
    """Read Balance whole and sweep the shop once more: there is nothing new in either."""
    answers = [await stage.imported(resource) for resource in ("items", "prices", "stock")]
    assert [answer.figures["changed"] for answer in answers] == [0, 0, 0]

    async def swept_again() -> bool:
        return await _sweeps(stage) > swept

    await until(swept_again, "the shop is swept again")


async def _sweeps(stage: Stage) -> int:
    asked = await journal.requests(stage.world.shop)
    return sum(entry["path"].endswith("/orders") and "modified_after" in entry["query"] for entry in asked)


async def test_every_document_has_one_note_in_the_shop(stage: Stage) -> None:
    async def noted() -> bool:
        notes = Counter(note["order_id"] for note in (await stage.world.storefront())["notes"])
        books = await stage.world.books()
        return sum(notes.values()) == len(books["sales"]) + len(books["credit_notes"])

    await until(noted, "a note for each Sale and each credit note, and no other")
    texts = [note["note"] for note in (await stage.world.storefront())["notes"]]
    assert len(set(texts)) == len(texts)


async def test_every_service_was_killed() -> None:
    assert {point.service for point in POINTS.values()} == set(ALL)
