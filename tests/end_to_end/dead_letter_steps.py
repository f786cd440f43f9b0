"""Steps of end-to-end tests with dead letters: produce them, and run the commands about them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from aiokafka import AIOKafkaConsumer

from services.engine.clock import local_day, utc_now
from services.engine.kafka.connection import create_producer
from tests.end_to_end.programs import CommandResult
from tests.end_to_end.system import SystemUnderTest

CLOSED_UNTIL = local_day(utc_now()) + timedelta(days=5)
"""Balance refuses documents up to this day; the orders of the tests are older."""
OPEN = [(CLOSED_UNTIL + timedelta(days=days)).isoformat() for days in (1, 2)]
"""Days that a document may be moved to, because the period is open."""


@asynccontextmanager
async def close_period(system: SystemUnderTest) -> AsyncIterator[None]:
    """While open, the accounting period of the orders is closed in Balance."""
    await system.change("lock-date", date=CLOSED_UNTIL.isoformat())
    try:
        yield
    finally:
        await system.change("lock-date", date=None)


async def place_refused_orders(system: SystemUnderTest, count: int) -> dict[int, str]:
    """Place orders that Balance refuses because their period is closed. Returns their dead letters by order."""
    orders = system.supply.orders(count)
    await system.place(*orders)
    keys = {f"main:{order}" for order in orders}
    await system.wait_until(
        lambda: keys <= {one.original_key for one in system.ledger.open_dead_letters.values()}, "dead letters"
    )
    return {
        int(one.original_key[5:]): id_
        for id_, one in system.ledger.open_dead_letters.items()
        if one.original_key in keys
    }


async def run_dead_letters(system: SystemUnderTest, *arguments: str) -> CommandResult:
    """`davtari dead-letters …`."""
    return await system.run_davtari("dead-letters", *arguments)


def read_results(result: CommandResult) -> dict[str, str]:
    """The result of each dead letter of a replay."""
    return {one["dead_letter"]: one["result"] for one in result.json}


async def publish(system: SystemUnderTest, topic: str, key: bytes, body: bytes, head: list[tuple[str, bytes]]) -> None:
    """Publish a record that no service wrote."""
    sender = create_producer(system.settings.kafka, "test")
    await sender.start()
    await sender.send_and_wait(system.world.prefix + topic, value=body, key=key, headers=head)
    await sender.stop()


def find_failed_services(system: SystemUnderTest, order: int) -> set[str]:
    """The services that could not read an order's record."""
    return {one.service for one in system.ledger.open_dead_letters.values() if one.original_key == f"main:{order}"}


async def read_record_headers(consumer: AIOKafkaConsumer) -> AsyncIterator[dict[str, str]]:
    """The headers of each record, as ordinary Kafka tools show them."""
    async for record in consumer:
        yield {name: value.decode() for name, value in record.headers}
