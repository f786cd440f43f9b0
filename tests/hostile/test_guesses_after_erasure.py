"""After `davtari forget` everything readable is collected, and no guessed number, phone or e-mail can be confirmed.

The guesser has the topics without the keys, every file of the services, their logs and this source code, and lacks only
the installation's secret. A guess is confirmed by its text in any form, or by an id or digest that can be computed.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import httpx
import pytest
import pytest_asyncio

from contracts.envelope import NAMESPACE as EVENTS
from contracts.json_text import digest_of
from contracts.topics import TOPICS
from services.accounting.documents.ids import NAMESPACE as DOCUMENTS
from services.accounting.documents.ids import client_uid, contact_ref
from services.connectors.woocommerce.customers import PERSONS
from services.demo.environment import PRIVACY_SECRET
from services.demo.kafka import Broker
from services.engine.kafka.connection import create_reader
from services.engine.person_ids import personal_digest, use_secret
from services.engine.privacy.keys import TOPIC as KEYS
from tests.end_to_end.dead_letter_steps import close_period
from tests.end_to_end.system import ALL_SERVICES, SystemUnderTest, start_system

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.claim("K35", "I19"),
    pytest.mark.xdist_group("guesses"),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(300),
]
NUMBER, PHONE, EMAIL = "01017054321", "+995 577 12 34 56", "tamar.guess@example.test"
NAME, STREET = ("Tamar", "Gamosacnobi"), "Vazha-Pshavela 71"
GUESSES = {"number": NUMBER, "phone": PHONE, "e-mail": EMAIL, "last name": NAME[1], "street": STREET}
BILLING = {
    "first_name": NAME[0], "last_name": NAME[1], "email": EMAIL, "phone": PHONE, "address_1": STREET, "city": "Tbilisi",
}  # fmt: skip
POLICIES = {"match-by": ["phone", "email"], "delivery-address": "comment", "contacts": {"phone": "shop"}}


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="system")
async def _system(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SystemUnderTest]:
    folder = tmp_path_factory.mktemp("guesses")
    async with start_system(folder, kafka.bootstrap_servers, shops__main__orders__clients=POLICIES) as made:
        await made.programs.start("up", services=len(ALL_SERVICES))
        yield made


async def buy(system: SystemUnderTest, *, number: str | None) -> tuple[int, dict[str, Any]]:
    """An order of the buyer, paid; with the order as the shop answers it."""
    [order] = system.supply.orders(1)
    await system.place(order, status="pending")
    path, meta = f"/wp-json/wc/v3/orders/{order}", [{"key": "_billing_personal_id", "value": number}] if number else []
    body = {"billing": BILLING, "shipping": BILLING, "customer_id": 0, "meta_data": meta, "set_paid": True}
    answer: httpx.Response = await system.world.shop.put(path, json=body | {"status": "processing"})
    found: dict[str, Any] = answer.raise_for_status().json()
    return order, found


async def test_no_guess_is_confirmed_by_anything_that_is_left(system: SystemUnderTest) -> None:
    # given an order in the books, one that Balance refused, and one without a number
    booked, shown = await buy(system, number=NUMBER)
    unnumbered, _ = await buy(system, number=None)
    await system.wait_until(lambda: {f"main:{booked}", f"main:{unnumbered}"} <= system.ledger.sales.keys(), "the Sales")
    async with close_period(system):
        refused, _ = await buy(system, number=NUMBER)
        await system.wait_until(
            lambda: f"main:{refused}" in {each.original_key for each in system.ledger.open_dead_letters.values()},
            "the dead letter",
        )
        # and a guesser who can confirm each guess before the erasure: the search finds what there is
        before = await collect(system)
        assert {name for name, guess in GUESSES.items() if confirms(before, guess, [])} == set(GUESSES)
        # when the buyer is forgotten
        done = await system.run_davtari(
            "forget", str(booked), "--reason", "asked for", "--yes", "--unbooked-too", "--related", "--json"
        )
    report = json.loads(done.out)
    assert (done.code, report["silent"]) == (0, []), done.err
    assert {f"main:{order}" for order in (booked, unnumbered, refused)} <= set(report["orders"])
    # then nothing that is left confirms a guess
    left = await collect(system)
    candidates = list(ids_of_a_guesser(shown))
    assert [name for name, guess in GUESSES.items() if confirms(left, guess, candidates)] == []
    # although the ids are there: with the secret they are found
    use_secret(lambda: PRIVACY_SECRET)
    assert client_uid(NUMBER).encode() in left


async def collect(system: SystemUnderTest) -> bytes:
    """Every byte that is readable without keys: all topics but that of the keys, and all files but the secrets."""
    topics = [topic.name for topic in TOPICS if topic.name != KEYS]
    consumer, found = create_reader(system.settings.kafka, topics), list[bytes]()
    await consumer.start()
    try:
        ends = await consumer.end_offsets(consumer.assignment())
        while [tp for tp, end in ends.items() if await consumer.position(tp) < end]:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                for raw in records:
                    found += [raw.key or b"", raw.value or b"", *[value for _, value in raw.headers]]
    finally:
        await consumer.stop()
    return b"\n".join([*found, *_files(system.world.folder)])


def _files(folder: Path) -> Iterator[bytes]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.parent.name != "secrets":
            yield path.read_bytes()


def confirms(collected: bytes, guess: str, candidates: list[bytes]) -> bool:
    """Whether the guess, a form of it, or an id that can be computed from it is among the bytes."""
    return any(form in collected for form in (*_forms(guess), *candidates))


def _forms(guess: str) -> Iterator[bytes]:
    plain = "".join(guess.split())
    texts = {guess, plain, guess.lower(), guess.upper(), plain.removeprefix("+"), plain.removeprefix("+995")}
    for text in texts:
        raw = text.encode()
        yield raw
        yield json.dumps(text).strip('"').encode()
        yield text.encode("utf-16-le")
        yield raw.hex().encode()
        for shift in range(3):  # base64 of a longer text that contains it
            yield b64encode(b"\0" * shift + raw)[4 if shift else 0 : -4]


HASHES: tuple[Callable[[bytes], bytes], ...] = (
    lambda raw: hashlib.md5(raw).digest(),
    lambda raw: hashlib.sha1(raw).digest(),
    lambda raw: hashlib.sha256(raw).digest(),
    lambda raw: hashlib.sha512(raw).digest(),
    *[lambda raw, size=size: hashlib.blake2b(raw, digest_size=size).digest() for size in (5, 8, 12, 16, 32, 64)],
    lambda raw: zlib.crc32(raw).to_bytes(4),
)


def ids_of_a_guesser(order: dict[str, Any]) -> Iterator[bytes]:
    """Every id and digest that can be computed of the right guesses without the secret, as text and as bytes."""
    digits = "995577123456"
    contacts = {"phone": digits, "email": EMAIL}
    names = [
        NUMBER, EMAIL, PHONE, digits, f"client|{NUMBER}", f"personal-id:{NUMBER}", f"email:{EMAIL}", f"phone:{digits}",
        f"main:email:{EMAIL}", f"main:phone:{digits}", f"main:personal-id:{NUMBER}",
        "|".join(["contact", *(f"{sort}={contacts[sort]}" for sort in sorted(contacts))]),
        f"contact|email={EMAIL}", f"contact|phone={digits}",
    ]  # fmt: skip
    for name in names:
        for namespace in (EVENTS, DOCUMENTS, PERSONS, NAMESPACE_URL, UUID(int=0)):
            yield str(uuid5(namespace, name)).encode()
            yield uuid5(namespace, name).bytes
        for compute in HASHES[:-1]:
            yield from (
                compute(name.encode()),
                compute(name.encode()).hex().encode(),
                b64encode(compute(name.encode())),
            )
    for content in (order, order["billing"], BILLING):
        yield digest_of(content).encode()
    use_secret(lambda: "a secret that the guesser has invented, too")
    yield from (client_uid(NUMBER).encode(), contact_ref(contacts).encode(), personal_digest(order).encode())


def test_the_search_of_the_guesser_finds_encoded_texts() -> None:
    hidden = b64encode(json.dumps({"who": EMAIL}).encode())
    assert EMAIL.encode() in b64decode(hidden)
    assert confirms(hidden, EMAIL, [])
    assert not confirms(b64encode(b"{}"), EMAIL, [])
