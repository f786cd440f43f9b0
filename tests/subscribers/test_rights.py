"""Who may read and write what: the proposal of `ops/acl` is in step with the code, and a real Kafka does as it says."""

from __future__ import annotations

import ast
import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import GroupAuthorizationFailedError, TopicAuthorizationFailedError
from confluent_kafka import TopicCollection
from confluent_kafka.admin import AdminClient, NewTopic
from tenacity import AsyncRetrying, retry_if_result, stop_after_delay, wait_fixed

from contracts.json_schema import schema_of
from contracts.registry import EVENTS
from contracts.topics import TOPICS
from ops.acl.__main__ import main
from ops.acl.roles import IMPERSONAL, PERSONAL, READS, RESTRICTED, WRITES, Role, roles
from services.cli.registry import OPTIONAL_SERVICES, SERVICES
from services.demo.kafka import Broker
from tests.subscribers.guarded import Guarded, bindings, calls_of_the_script, guarded, options

pytestmark = [pytest.mark.long, pytest.mark.claim("I7")]
ROOT = Path(__file__).parents[2]
ROLES = {role.name: role for role in roles()}
ALL = [topic.name for topic in TOPICS]
RIGHTS_SECONDS = 60.0
MADE_FOR = {"store-feed": ["services/connectors/woocommerce"]}
"""Where events of a service are made besides in its own folder."""


def test_the_script_is_what_the_code_says() -> None:
    assert main(["--check"]) == 0


def test_a_stale_script_is_noticed(tmp_path: Path) -> None:
    stale = tmp_path / "acls.sh"
    assert main(["--check"], stale) == 1
    assert main([], stale) == 0
    assert main(["--check"], stale) == 0


def test_every_service_has_a_role() -> None:
    assert READS.keys() == WRITES.keys() == {*SERVICES, *OPTIONAL_SERVICES}


def made_in(folder: Path) -> Iterator[str]:
    """The topics of the events that code in a folder makes."""
    by_name = {event.__name__: event for event in EVENTS}
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in by_name:
                yield by_name[node.func.id].TOPIC


@pytest.mark.parametrize("service", WRITES)
def test_a_service_may_write_exactly_the_topics_that_it_makes_events_for(service: str) -> None:
    folders = [f"services/{service.replace('-', '_')}", *MADE_FOR.get(service, [])]
    made = {topic for folder in folders for topic in made_in(ROOT / folder)}
    assert made - set(RESTRICTED) == set(WRITES[service])


def test_every_topic_is_for_one_kind_of_subscriber_or_for_none() -> None:
    offered = [topic for topics in (*IMPERSONAL.values(), *PERSONAL.values(), RESTRICTED) for topic in topics]
    assert sorted(offered) == sorted(ALL)


def test_subscribers_without_personal_data_get_none() -> None:
    offered = {topic for topics in IMPERSONAL.values() for topic in topics}
    personal = {event.TOPIC for event in EVENTS if '"person' in json.dumps(schema_of(event))}
    assert {"shop.orders", "ledger.documents", "dead-letters"} <= personal
    assert offered & personal == set()


def test_the_script_gives_subscribers_a_quota_and_nothing_to_write(tmp_path: Path) -> None:
    calls = [(call[0], options(call)) for call in calls_of_the_script(tmp_path, "shop-a.")]
    assert {given["bootstrap-server"][0] for _, given in calls} == {"k:1"}
    readers = {role.principal for role in ROLES.values() if role.name.startswith(("subscriber-", "person-reader"))}
    subscribers = [given for _, given in calls if any(one in str(given.get("allow-principal")) for one in readers)]
    assert {operation for given in subscribers for operation in given["operation"]} == {"Read", "Describe"}
    assert all(name.startswith("shop-a.") for given in subscribers for name in given.get("topic", given.get("group")))
    limited = {given["entity-name"][0] for name, given in calls if name == "kafka-configs"}
    assert limited == readers


@pytest.fixture
async def cluster(kafka: Broker, tmp_path: Path) -> object:
    """A guarded node with Davtari's topics and the rights of the script."""
    if kafka.kind != "archives":
        pytest.skip(f"the run's broker is {kafka.kind}; a guarded one is made from Kafka's Java archives only")
    async with guarded(tmp_path, [role.principal for role in ROLES.values()]) as found:
        admin = found.administrator()
        _done(admin.create_topics([NewTopic("davtari." + topic, 1, 1) for topic in ALL]))
        _done(admin.create_acls(list(dict.fromkeys(bindings(calls_of_the_script(tmp_path))))))
        yield found


def _done(futures: dict[object, object]) -> None:
    for future in futures.values():
        future.result(30)  # type: ignore[attr-defined]


def allowed(client: AdminClient) -> dict[str, set[str]]:
    """What Kafka says that a principal may do with each topic; a topic that it may not even see is not there."""
    asked = TopicCollection(["davtari." + topic for topic in ALL])
    found = client.describe_topics(asked, include_authorized_operations=True)
    seen = {
        name.removeprefix("davtari."): future.result() for name, future in found.items() if not future.exception(30)
    }
    return {name: {operation.name for operation in topic.authorized_operations} for name, topic in seen.items()}


def has_its_topics(found: dict[str, set[str]], role: Role) -> bool:
    """Whether every topic that a role may read or write is in its list, with that right."""
    wanted = {(topic, "READ") for topic in role.reads} | {(topic, "WRITE") for topic in role.writes}
    return wanted <= {(topic, right) for topic, rights in found.items() for right in rights}


async def rights_in_force(client: AdminClient, role: Role) -> dict[str, set[str]]:
    """What Kafka allows a principal once the broker has loaded the role's rights.

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


@pytest.mark.kafka
@pytest.mark.timeout(240)  # it starts a node of its own
async def test_a_real_kafka_allows_each_role_what_it_should_and_nothing_else(cluster: Guarded) -> None:
    for role in ROLES.values():
        found = await rights_in_force(cluster.client_of(role.principal), role)
        assert {topic for topic, may in found.items() if "READ" in may} == set(role.reads), role.name
        assert {topic for topic, may in found.items() if "WRITE" in may} == set(role.writes), role.name
        assert {may for each in found.values() for may in each} <= {"READ", "WRITE", "DESCRIBE", "CREATE"}, role.name
    await a_service_publishes_as_it_does(cluster)
    await a_subscriber_reads_its_topics_in_its_groups(cluster)
    the_operator_makes_topics_to_replay_into(cluster)


async def a_service_publishes_as_it_does(cluster: Guarded) -> None:
    """Idempotent, to its own topics only."""
    who = cluster.known_as("davtari-order-exporter")
    async with AIOKafkaProducer(**who, enable_idempotence=True, acks="all") as producer:
        await producer.send_and_wait("davtari.ledger.documents", b"{}", b"main:1")
        with pytest.raises(TopicAuthorizationFailedError):
            await producer.send_and_wait("davtari.shop.orders", b"{}", b"main:1")


async def a_subscriber_reads_its_topics_in_its_groups(cluster: Guarded) -> None:
    """A subscriber to documents reads them, in a group that begins with its role."""
    who = cluster.known_as("davtari-subscriber-documents")
    mine, foreign = "davtari.subscriber-documents.books", "davtari.order-exporter.g1"
    async with AIOKafkaConsumer("davtari.ledger.documents", **who, group_id=mine, auto_offset_reset="earliest") as own:
        assert (await own.getone()).key == b"main:1"
    intruder = AIOKafkaConsumer("davtari.ledger.documents", **who, group_id=foreign)
    with pytest.raises(GroupAuthorizationFailedError):
        await intruder.start()
    await intruder.stop()


def the_operator_makes_topics_to_replay_into(cluster: Guarded) -> None:
    """Under the prefixes of the topics and of replays, and nowhere else."""
    operator = cluster.client_of("davtari-operator")
    made = operator.create_topics(
        [NewTopic(name, 1, 1) for name in ("replay.shop.orders", "davtari.new", "elsewhere.shop.orders")]
    )
    assert {name: future.exception(30) is None for name, future in made.items()} == {
        "replay.shop.orders": True,
        "davtari.new": True,
        "elsewhere.shop.orders": False,
    }
