"""Whoever can write to every topic of Kafka still cannot act as a person: refused, recorded once, alerted."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from uuid import uuid4

import pytest
import pytest_asyncio
from aiokafka import ConsumerRecord
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.alerts import AlertSent
from contracts.approvals import ApprovalGiven
from contracts.envelope import Envelope, headers, value, wrap
from contracts.model import Event
from contracts.operations import DeadLettered, DeadLetterSettled, DiscardRequested, EditRequested, PaymentReceived
from contracts.privacy import ForgetRequested, PersonForgotten, PersonKeyMade
from contracts.reasons import Reason
from contracts.sample import samples
from contracts.shop import OrderChanged
from services.demo.kafka import Broker
from services.demo.steps import unused_orders
from services.engine.client.reader import read_events
from services.engine.kafka.connection import create_reader
from services.engine.kafka.signature import Signer
from tests.end_to_end.dead_letter_steps import publish
from tests.end_to_end.system import SystemUnderTest, start_system

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.xdist_group("hostile commands"),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(300),
    pytest.mark.claim("K34"),
]
SERVICES = ("store-feed", "order-exporter", "alerts")
STRANGER = Signer(Ed25519PrivateKey.generate())
ALERTS = {"dry-run": True, "gather": 0, "recipients": {"integrator": {"url-file": "secrets/key"}}}
EFFECTS = ("approval-given", "payment-entered", "forget", "edit", "command")
"""The kinds of records that the forged commands would leave in a state database."""


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="system")
async def _system(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SystemUnderTest]:
    folder = tmp_path_factory.mktemp("forged")
    async with start_system(folder, kafka.bootstrap_servers, alerts=ALERTS) as made:
        await made.programs.start(*SERVICES)
        yield made


def asked() -> dict[str, object]:
    """The head of a command in the accountant's name."""
    return {"command_id": str(uuid4()), "asked_by": "nino", "asked_at": datetime.now(UTC)}


async def write(system: SystemUnderTest, envelope: Envelope[Event], signer: Signer | None = None) -> None:
    """Write an event to its topic as a stranger would."""
    event, body = envelope.data, value(envelope)
    key, marks = event.key.encode(), headers(envelope)
    marks = list(signer.sign(event.TOPIC, key, marks, body)) if signer else marks
    await publish(system, event.TOPIC, key, body, marks)


def stated(event: Event, version: int = 1) -> Envelope[Event]:
    """An event with a valid envelope."""
    return wrap(event, version=version, source="davtari-cli", time=datetime.now(UTC))


async def park(system: SystemUnderTest) -> str:
    """A dead letter that waits for a person: a record that nobody can read. Gives its id."""
    before = set(system.ledger.open_dead_letters)
    await publish(system, "shop.orders", b"main:1", b"no event", [])
    await system.wait_until(lambda: len(system.ledger.open_dead_letters) > len(before), "the record is parked")
    (new,) = system.ledger.open_dead_letters.keys() - before
    return new


def refused(system: SystemUnderTest) -> list[DeadLettered]:
    """Every dead letter about something that only a person may do, as often as it was published."""
    found = [one.data for one in system.ledger.story if isinstance(one.data, DeadLettered)]
    return [one for one in found if one.reason in (Reason.COMMAND_SIGNATURE, Reason.COMMAND_UNKNOWN)]


def effects(system: SystemUnderTest) -> dict[str, list[str]]:
    """What commands have left in the state databases, by service."""
    found: dict[str, list[str]] = {}
    for file in system.settings.state.directory.glob("*.sqlite"):
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
            marks = ", ".join("?" * len(EFFECTS))
            rows = database.execute(f"SELECT kind FROM records WHERE kind IN ({marks})", EFFECTS).fetchall()
            found[file.stem] = [kind for (kind,) in rows]
    assert len(found) >= len(SERVICES)
    return {service: kinds for service, kinds in found.items() if kinds}


def known_orders(system: SystemUnderTest) -> list[str]:
    """The orders that order-exporter knows."""
    (file,) = system.settings.state.directory.glob("order-exporter*.sqlite")
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        return [key for (key,) in database.execute("SELECT key FROM records WHERE kind = 'order'")]


async def commands_in_log(system: SystemUnderTest) -> Sequence[ConsumerRecord[bytes, bytes]]:
    """The records of the topic `commands`."""
    reader = create_reader(system.settings.kafka, ["commands"])
    await reader.start()
    try:
        found = await reader.getmany(timeout_ms=5000)
    finally:
        await reader.stop()
    return [record for records in found.values() for record in records]


def forgeries(dead_letter: str) -> Mapping[str, Event]:
    """What a stranger would ask for."""
    about = {"dead_letter": dead_letter, "why": "none of your business"}
    return {
        "approval": ApprovalGiven(**asked(), shop="main", shape="Sale · bog", document="sale:main:1042"),
        "edit": EditRequested(**asked(), **about, replacement="sale:main:1042~1", changed=("/a",), payload={"a": 1}),
        "discard": DiscardRequested(**asked(), **about),
        "payment": PaymentReceived(**asked(), shop="main", order_id=1042, date="2026-11-20", amount="10"),
        "erasure": ForgetRequested(**asked(), person_ref="p", why="none"),
    }


async def test_forged_commands_are_refused_recorded_once_and_alerted(system: SystemUnderTest) -> None:
    dead_letter = await park(system)
    before = len(refused(system))
    forged = forgeries(dead_letter)
    for event in forged.values():
        await write(system, stated(event))
    for event in forgeries(dead_letter).values():
        await write(system, stated(event), STRANGER)
    wanted = before + 2 * len(forged)
    await system.wait_until(lambda: len(refused(system)) >= wanted, "all are refused")
    assert len(refused(system)) == wanted, "one dead letter for each, although several services read it"
    await system.wait_until(lambda: _alerts(system), "the integrator is alerted")
    assert effects(system) == {}
    assert (await system.run_davtari("approvals", "list", "--json")).json == {"shapes": []}


def _alerts(system: SystemUnderTest) -> list[AlertSent]:
    alerts = [one.data for one in system.ledger.story if isinstance(one.data, AlertSent)]
    return [one for one in alerts if one.cause == Reason.COMMAND_SIGNATURE and one.what == "opened"]


async def test_facts_in_a_persons_name_are_refused(system: SystemUnderTest) -> None:
    # given a forged closing and a corrected order
    dead_letter = await park(system)
    before = len(refused(system))
    closing_ = {"dead_letter": dead_letter, "service": "store-feed", "original_key": "main:1", "at": datetime.now(UTC)}
    order = next(one for one in samples() if one.name == "OrderChanged.v1")
    await write(system, stated(DeadLetterSettled(**closing_, how="discarded", by="nino"), 2))
    corrected = [*order.raw_headers(), ("ce_replayof", dead_letter.encode())]
    await publish(system, "shop.orders", order.key.encode(), order.raw_value(), corrected)
    await system.wait_until(lambda: len(refused(system)) >= before + 2, "they are refused")
    # then the dead letter is open for the operator, and no service knows the order
    listed = await system.run_davtari("dead-letters", "list", "--json")
    assert dead_letter in {one["dead_letter"] for one in listed.json}
    assert known_orders(system) == []


async def test_a_genuine_command_counts_once_and_only_as_it_was_signed(system: SystemUnderTest) -> None:
    dead_letter, other = await park(system), await park(system)
    done = await system.run_davtari("dead-letters", "discard", dead_letter[:8], "--reason", "a test", "--json")
    assert done.code == 0, done.err
    (genuine,) = [one for one in await commands_in_log(system) if dead_letter.encode() in (one.value or b"")][-1:]
    before = len(refused(system))
    moved = [(name, b"another" if name == "ce_subject" else raw) for name, raw in genuine.headers]
    renamed = (genuine.value or b"").replace(dead_letter.encode(), other.encode())
    for key, body, marks in (
        (b"another", genuine.value, genuine.headers),
        (genuine.key, genuine.value, moved),
        (genuine.key, renamed, genuine.headers),
    ):
        await publish(system, "commands", key or b"", body or b"", list(marks))
    await system.wait_until(lambda: len(refused(system)) >= before + 3, "the copies are refused")
    assert other in system.ledger.open_dead_letters


async def test_a_rebuilt_database_refuses_them_again_without_another_dead_letter(system: SystemUnderTest) -> None:
    known, left = len(refused(system)), effects(system)
    await system.programs.stop(*SERVICES)
    shutil.rmtree(system.settings.state.directory)
    await system.programs.start(*SERVICES)
    await write(system, stated(forgeries("x")["approval"]))
    await system.wait_until(lambda: len(refused(system)) > known, "the next one is refused")
    assert len(refused(system)) == known + 1
    assert effects(system) == left


async def test_a_forged_deletion_of_a_personal_key_is_refused(system: SystemUnderTest) -> None:
    first, second = unused_orders()[:2]
    await system.place(first)
    await system.wait_until(lambda: f"main:{first}" in system.ledger.orders, "the order is published, sealed")
    made = await keys_in_log(system)
    known = len(refused(system))
    for key in made:
        about = key.data.model_dump(include={"person_ref", "service", "kid"})
        gone = PersonForgotten(**about, at=datetime.now(UTC), by="nino", why="none")
        await write(system, stated(gone, key.sequence + 1))
    # when store-feed needs its keys the next time
    await system.place(second)
    await system.wait_until(lambda: len(refused(system)) >= known + len(made), "the deletions are refused")
    # then the buyer can still be read
    assert made, "the buyer has a key"
    orders = [one.data for one in await _events(system, "shop.orders") if isinstance(one.data, OrderChanged)]
    assert all(order.person for order in orders)


async def keys_in_log(system: SystemUnderTest) -> list[Envelope[PersonKeyMade]]:
    """The keys of people that store-feed has made."""
    return [one for one in await _events(system, "privacy.keys") if isinstance(one.data, PersonKeyMade)]


async def _events(system: SystemUnderTest, topic: str) -> list[Envelope[Event]]:
    return [one async for one in read_events(system.settings, [topic])]
