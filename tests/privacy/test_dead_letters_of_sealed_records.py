"""A sealed record that fails is parked with its sealed bytes, and unsealed when it is replayed."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import replace
from pathlib import Path

from contracts.envelope import Envelope, headers, value, wrap
from contracts.reasons import Reason
from contracts.shop import OrderChanged, Person
from services.engine.kafka.record import Record
from services.engine.outbox.handlers import Handlers
from services.engine.privacy.key_ring import KeyRing
from services.engine.privacy.keys import Keys
from services.engine.privacy.opener import Opener
from services.engine.privacy.sealing import person_content, seal_value
from services.engine.state.records import State
from services.settings.kafka import KafkaSettings
from tests.outbox.bench import Bench, Script, open_bench
from tests.outbox.dead_letter_commands import replay
from tests.privacy.people import FEED, NOW, PRIVATE, made, nino, order
from tests.support.signing import verifier


class Memory:
    """Rules that fail at first, and later keep the persons of their events."""

    def __init__(self) -> None:
        self.broken, self.people = True, list[Person | None]()

    def remember(self, envelope: Envelope[OrderChanged], _: State) -> None:
        if self.broken:
            raise ValueError("a rule is wrong")
        self.people.append(envelope.data.person)


def ring_of(keys: Keys) -> KeyRing:
    """A key ring with these keys, without Kafka."""
    ring = KeyRing(KafkaSettings(bootstrap_servers="127.0.0.1:1"), verifier())
    ring.keys = keys
    return ring


def sealed_order(keys: Keys) -> Record:
    """An order as it is in the topic."""
    envelope = wrap(order(), version=1, source=FEED, time=NOW)
    content = person_content(value(envelope))
    assert content
    body = seal_value(content, made(keys))
    return Record("davtari.shop.orders", 0, 3, 17, b"main:1042", body, headers(envelope))


def unseal_with(bench: Bench, keys: Keys) -> None:
    """Have the bench unseal records, as a service does."""
    bench.engine.rules = replace(bench.engine.rules, unseal=Opener(ring_of(keys)).records)


async def test_a_sealed_record_is_parked_sealed_and_replayed_unsealed(tmp_path: Path) -> None:
    memory, keys = Memory(), Keys()
    raw = sealed_order(keys)
    async with open_bench(tmp_path, Handlers((), {OrderChanged: memory.remember}, Script())) as bench:
        unseal_with(bench, keys)
        await bench.take(raw)
        (dead_letter,) = await bench.dead_letters()
        assert dead_letter.record and dead_letter.reason == Reason.RECORD_RULE_FAILED
        assert b64decode(dead_letter.record.value or "") == raw.value
        assert [text for text in PRIVATE if text in dead_letter.model_dump_json()] == []
        memory.broken = False
        await bench.take(replay(dead_letter.dead_letter))
    assert memory.people == [nino()]


async def test_a_tampered_record_becomes_a_dead_letter_and_the_next_is_handled(tmp_path: Path) -> None:
    memory, keys = Memory(), Keys()
    memory.broken = False
    raw = sealed_order(keys)
    broken = replace(raw, offset=2, value=(raw.value or b"").replace(b'"person_ref":"5f', b'"person_ref":"6f'))
    async with open_bench(tmp_path, Handlers((), {OrderChanged: memory.remember}, Script())) as bench:
        unseal_with(bench, keys)
        await bench.take(broken, raw)
        (dead_letter,) = await bench.dead_letters()
    assert (dead_letter.reason, "another person" in dead_letter.detail) == ("record.invalid-data", True)
    assert memory.people == [nino()]
