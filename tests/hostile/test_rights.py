"""A service that was taken over: on a real Kafka it writes no topic of others, and reads no keys that it does not need.

Every attack is made with the password of a role, on a node that has the rights of `davtari rights apply`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import GroupAuthorizationFailedError, KafkaConnectionError
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Producer, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from tenacity import AsyncRetrying, retry_if_result, stop_after_delay, wait_fixed

from contracts.topics import TOPICS
from services.cli.registry import OPTIONAL_SERVICES, SERVICES
from services.cli.rights.roles import KEYS, Role, roles
from services.cli.rights.rules import all_rules
from services.engine.kafka.authorization import RulesRefused, add_rules, find_exposure
from services.engine.kafka.topics import create_topics
from tests.rights.secured_node import PREFIX, SecuredNode, run_secured_node

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.claim("I7"),
    pytest.mark.timeout(240),  # the first one starts a node of its own
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.xdist_group("hostile-rights"),
]
ROLES = {role.name: role for role in roles()}
EVERY_SERVICE = (*SERVICES, *OPTIONAL_SERVICES)
ALL = [topic.name for topic in TOPICS]
RIGHTS_SECONDS = 60.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SecuredNode]:
    """A node with Davtari's topics, made by the operator, and with the rights of every role."""
    async with run_secured_node(tmp_path_factory.mktemp("secured")) as made:
        await create_topics(made.settings_of(ROLES["operator"].principal))
        yield made


def allowed(client: AdminClient) -> dict[str, set[str]]:
    """What Kafka says that a user may do with each topic; a topic that it may not even see is not there."""
    asked = TopicCollection([PREFIX + topic for topic in ALL])
    found = client.describe_topics(asked, include_authorized_operations=True)
    seen = {name.removeprefix(PREFIX): future.result() for name, future in found.items() if not future.exception(30)}
    return {name: {operation.name for operation in topic.authorized_operations} for name, topic in seen.items()}


def has_its_topics(found: dict[str, set[str]], role: Role) -> bool:
    """Whether every topic that a role may read or write is in its list, with that right."""
    wanted = {(topic, "READ") for topic in role.reads} | {(topic, "WRITE") for topic in role.writes}
    return wanted <= {(topic, right) for topic, rights in found.items() for right in rights}


async def rights_in_force(client: AdminClient, role: Role) -> dict[str, set[str]]:
    """What Kafka allows a user once the broker has loaded the role's rights.

    The controller confirms new topics and rules before the broker has applied them. Gives what Kafka says after
    `RIGHTS_SECONDS` if the rights are incomplete until then, so that the assertion shows what is missing.
    """
    trying = AsyncRetrying(
        retry=retry_if_result(lambda found: not has_its_topics(found, role)),
        stop=stop_after_delay(RIGHTS_SECONDS),
        wait=wait_fixed(0.2),
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else {},
    )
    return await trying(asyncio.to_thread, allowed, client)


@pytest.mark.parametrize("name", ROLES)
async def test_kafka_allows_a_role_what_it_should_and_nothing_else(node: SecuredNode, name: str) -> None:
    role = ROLES[name]
    found = await rights_in_force(node.admin_of(role.principal), role)
    assert {topic for topic, may in found.items() if "READ" in may} == set(role.reads)
    assert {topic for topic, may in found.items() if "WRITE" in may} == set(role.writes)
    more = {"CREATE", "DESCRIBE_CONFIGS"} if role.creates else set()
    assert {may for each in found.values() for may in each} == {"READ", "DESCRIBE"} | more | (
        {"WRITE"} if role.writes else set()
    )


def write_to(node: SecuredNode, user: str, topics: Iterable[str]) -> dict[str, str]:
    """Publish a record to each topic; by topic, the name of Kafka's refusal, or an empty text."""
    found: dict[str, str] = {}
    producer = Producer(node.librdkafka_options_of(user) | {"enable.idempotence": True})
    for topic in topics:
        producer.produce(
            PREFIX + topic, b"{}", b"key", on_delivery=lambda error, _, at=topic: found.update({at: name_of(error)})
        )
    assert producer.flush(30) == 0, "some records have neither been taken nor refused"
    return found


def name_of(error: KafkaError | None) -> str:
    return error.name() if error else ""


@pytest.mark.parametrize("service", EVERY_SERVICE)
async def test_a_service_cannot_write_a_topic_of_another(node: SecuredNode, service: str) -> None:
    role = ROLES[service]
    refused = write_to(node, role.principal, sorted(set(ALL) - set(role.writes)))
    assert refused == dict.fromkeys(sorted(set(ALL) - set(role.writes)), "TOPIC_AUTHORIZATION_FAILED")
    assert write_to(node, role.principal, role.writes) == dict.fromkeys(role.writes, "")


def read_keys(node: SecuredNode, reader: str) -> str:
    """Read the topic of people's keys from its start; the name of Kafka's refusal, or an empty text for a record."""
    assert write_to(node, ROLES["order-exporter"].principal, [KEYS]) == {KEYS: ""}
    group = ROLES[reader].groups[0].replace("@", PREFIX)
    consumer = Consumer(node.librdkafka_options_of(ROLES[reader].principal) | {"group.id": group})
    try:
        if refusal := consumer.list_topics(PREFIX + KEYS, 20).topics[PREFIX + KEYS].error:
            return name_of(refusal)
        consumer.assign([TopicPartition(PREFIX + KEYS, 0, OFFSET_BEGINNING)])
        found = consumer.poll(20)
        assert found is not None, "neither a record nor a refusal"
        return name_of(found.error())
    finally:
        consumer.close()


@pytest.mark.parametrize("service", [name for name in EVERY_SERVICE if KEYS not in ROLES[name].reads])
async def test_a_service_that_needs_no_people_cannot_read_their_keys(node: SecuredNode, service: str) -> None:
    assert read_keys(node, service) == "TOPIC_AUTHORIZATION_FAILED"


async def test_a_reader_of_people_can_read_their_keys(node: SecuredNode) -> None:
    """The same reading, which shows that the refusal above is one."""
    assert read_keys(node, "person-reader") == ""


async def test_a_subscriber_reads_its_topics_in_groups_of_its_own_only(node: SecuredNode) -> None:
    async with AIOKafkaProducer(**node.options_of(ROLES["order-exporter"].principal)) as producer:
        await producer.send_and_wait(PREFIX + "ledger.documents", b"{}", b"main:1")
    who = node.options_of(ROLES["subscriber-documents"].principal)
    mine, foreign = "davtari.subscriber-documents.books", "davtari.order-exporter.state"
    async with AIOKafkaConsumer("davtari.ledger.documents", **who, group_id=mine, auto_offset_reset="earliest") as own:
        assert (await own.getone()).value == b"{}"
    intruder = AIOKafkaConsumer("davtari.ledger.documents", **who, group_id=foreign)
    with pytest.raises(GroupAuthorizationFailedError):
        await intruder.start()
    await intruder.stop()


async def test_the_operator_makes_topics_of_the_installation_and_for_replays_only(node: SecuredNode) -> None:
    operator = node.admin_of(ROLES["operator"].principal)
    made = operator.create_topics(
        [NewTopic(name, 1, 1) for name in ("replay.shop.orders", "davtari.new", "elsewhere.shop.orders")]
    )
    assert {name: future.exception(30) is None for name, future in made.items()} == {
        "replay.shop.orders": True,
        "davtari.new": True,
        "elsewhere.shop.orders": False,
    }


@pytest.mark.parametrize("name", ["order-exporter", "operator", "console"])
async def test_nobody_but_the_administrator_gives_rights(node: SecuredNode, name: str) -> None:
    with pytest.raises(RulesRefused, match="administrator"):
        await add_rules(node.settings_of(ROLES[name].principal), all_rules(PREFIX))


async def test_live_flows_run_on_a_kafka_that_checks_rights_wherever_it_is(node: SecuredNode) -> None:
    settings = node.settings_of(ROLES["stock-publisher"].principal)
    beyond = settings.model_copy(update={"bootstrap_servers": f"{node.address},kafka.example.ge:9092"})
    assert [await find_exposure(beyond) for _ in range(2)] == ["", ""]


async def test_nobody_without_a_password_gets_in(node: SecuredNode) -> None:
    stranger = AIOKafkaProducer(bootstrap_servers=node.address, request_timeout_ms=3_000)
    with pytest.raises(KafkaConnectionError):
        await stranger.start()
    await stranger.stop()
