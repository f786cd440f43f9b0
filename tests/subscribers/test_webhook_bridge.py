"""The webhook bridge: at least once, in the order of each key, whatever the receiver does."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Any

import pytest

from contracts.envelope import headers, value
from contracts.ledger import SaleRecorded
from tests.kafka.topics import Topics, eventually
from tests.subscribers.bridging import bridging, program
from tests.subscribers.receiver import Receiver, free_port, listening
from tests.subscribers.story import ids, order, sample_of, the_samples, wrap_event

pytestmark = pytest.mark.kafka
ORDERS = "shop.orders"


async def test_chosen_events_arrive_signed_under_their_own_ids(town: Topics) -> None:
    sale = next(event for event in the_samples() if isinstance(event.data, SaleRecorded))
    topics, types = ("ledger.documents", ORDERS), (SaleRecorded.TYPE,)
    async with listening(Receiver()) as receiver, bridging(town, receiver.url, *topics, types=types):
        await eventually(lambda: receiver.has_taken(1), "the Sale is posted")
    (got,) = receiver.got
    assert (got.headers["webhook-id"], got.headers["content-type"]) == (sale.id, "application/cloudevents+json")
    assert got.event["data"] == sample_of(SaleRecorded).content()


@pytest.mark.parametrize("refusal", [500, 404, 302, 429])
async def test_whatever_is_not_taken_is_posted_again_before_anything_later_of_its_key(
    topics: Topics, refusal: int
) -> None:
    """Given a receiver that refuses every event twice."""
    await topics.send(*[wrap_event(order(number), version) for version in (1, 2, 3) for number in (1, 2)])
    receiver = Receiver(lambda event, before: refusal if before < 2 else 200)
    async with listening(receiver), bridging(topics, receiver.url, ORDERS):
        await eventually(lambda: receiver.has_taken(6), "everything is posted")
    for key in ("main:1", "main:2"):
        assert [one.version for one in receiver.got if one.key == key] == [1, 1, 1, 2, 2, 2, 3, 3, 3]


async def test_an_offset_is_committed_after_its_answer_and_not_before(topics: Topics) -> None:
    await topics.create("one")
    envelopes = [wrap_event(order(1), version) for version in (1, 2)]
    for envelope in envelopes:
        await topics.put("one", b"main:1", value(envelope), headers(envelope))
    receiver = Receiver(lambda event, before: 204 if event["sequence"] == "1" else 503)
    group = topics.settings.topic_prefix + "bridge"
    async with listening(receiver):
        receiver.open.clear()
        async with bridging(topics, receiver.url, "one"):
            await eventually(lambda: _came(receiver, 1), "the first event waits for its answer")
            assert await topics.committed(group, "one") is None
            receiver.open.set()
            await eventually(lambda: _came(receiver, 4), "the second event was refused three times")
            assert await topics.committed(group, "one") == 1


async def _came(receiver: Receiver, times: int) -> bool:
    return receiver.came >= times


async def test_a_dead_url_costs_a_delay_and_nothing_else(topics: Topics) -> None:
    """Given an URL that is dead for longer than a consumer may keep silent, the bridge keeps its place in the group."""
    await topics.send(*[wrap_event(order(number), version) for version in (1, 2, 3) for number in range(1, 6)])
    receiver, port = Receiver(), free_port()
    async with bridging(topics, f"http://127.0.0.1:{port}/hook", ORDERS, max_poll_interval_ms=1000) as bridge:
        await asyncio.sleep(2.5)
        assert not bridge.task.done()
        async with listening(receiver, port):
            await eventually(lambda: receiver.has_taken(15), "everything is posted")
    assert len(receiver.got) == 15  # nothing twice: the group was never left
    for number in range(1, 6):
        assert receiver.versions(f"main:{number}") == [1, 2, 3]


async def test_records_that_hold_no_event_stop_nothing(topics: Topics) -> None:
    await topics.put(ORDERS, b"main:1", None)
    await topics.put(ORDERS, b"main:1", b"not ours", [("n", None)])
    await topics.send(wrap_event(order(1)))
    async with listening(Receiver()) as receiver, bridging(topics, receiver.url, ORDERS):
        await eventually(lambda: receiver.has_taken(1), "the order is posted")
    assert [one.key for one in receiver.got] == ["main:1"]


async def test_a_second_instance_takes_over_and_the_order_of_each_key_is_kept(topics: Topics) -> None:
    """Given a bridge that waits for its receiver when a second one joins: partitions move, nothing is overtaken."""
    events = [wrap_event(order(number), version) for version in range(1, 9) for number in range(1, 9)]
    quick: dict[str, Any] = {"heartbeat_interval_ms": 200, "session_timeout_ms": 6000}
    await topics.send(*events)
    receiver = Receiver(lambda event, before: 503)
    async with listening(receiver), bridging(topics, receiver.url, ORDERS, client_id="a", **quick):
        await eventually(lambda: _came(receiver, 5), "the first has begun")
        async with bridging(topics, receiver.url, ORDERS, client_id="b", **quick) as second:
            await eventually(second.has_partitions, "the first has let go")
            receiver.answer = lambda event, before: 200
            await eventually(lambda: receiver.has_taken(len(events)), "everything is posted")
    for number in range(1, 9):
        assert receiver.versions(f"main:{number}") == list(range(1, 9))


async def test_a_kill_repeats_at_most_what_was_under_way_and_loses_nothing(topics: Topics, tmp_path: Path) -> None:
    events = [wrap_event(order(number), version) for version in range(1, 5) for number in range(1, 11)]
    await topics.send(*events)
    async with listening(Receiver()) as receiver:
        async with program(topics, receiver.url, tmp_path, "--topic", ORDERS, "--without-person") as first:
            await eventually(lambda: receiver.has_taken(10), "it is in the middle of its work")
            first.kill()
            await first.wait()
        async with program(topics, receiver.url, tmp_path, "--topic", ORDERS, "--without-person") as second:
            await eventually(lambda: receiver.has_taken(len(events)), "everything is posted")
            second.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(second.wait(), 10) == 0
    assert {one.headers["webhook-id"] for one in receiver.taken} == set(ids(events))
    assert len(receiver.taken) - len(events) <= 3  # one of each partition
    assert not any("person" in one.event["data"] for one in receiver.got)
    for number in range(1, 11):
        assert receiver.versions(f"main:{number}") == [1, 2, 3, 4]
