"""A running service: its state database, its consumer, its relays and its own tasks, wired and started in order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from contracts.reasons import Reason
from contracts.topics import reports
from services.engine.clock import PROCESS_CLOCK_CHECK, Clock, utc_now
from services.engine.kafka.availability import retry_until_available
from services.engine.kafka.connection import create_producer, open_admin
from services.engine.kafka.consumer import Consumer, wait_until_caught_up
from services.engine.kafka.log_check import LogChanged, LogCheck, read_cluster_id
from services.engine.kafka.membership import Member, Membership
from services.engine.kafka.publisher import Publisher, RenewableProducer, Seal, leave_unsealed
from services.engine.kafka.record import Record
from services.engine.kafka.signature import read_verifier
from services.engine.kafka.topics import check_topics_exist
from services.engine.outbox.engine import Engine
from services.engine.outbox.handlers import ServiceRules
from services.engine.outbox.relay import Relay
from services.engine.privacy.forgetting import carry_out_requests, with_forgetting_rules
from services.engine.privacy.key_ring import KeyRing
from services.engine.privacy.keys import TOPIC as KEYS
from services.engine.privacy.opener import Opener, leave_people_out
from services.engine.privacy.refused_deletions import report_refused_deletions
from services.engine.privacy.sealer import Sealer, refuse_people
from services.engine.runtime.blueprint import Blueprint
from services.engine.runtime.conditions import ConditionReporter, with_condition_rules
from services.engine.runtime.garbage import tune_garbage_collector
from services.engine.runtime.gate import Gate, Gatekeeper, with_gate_rules
from services.engine.runtime.secret_check import SecretChanged, check_secret
from services.engine.state.database import Database, open_when_available, read_meta, restart_after_outages, write_meta
from services.engine.state.errors import find_cause, first_cause, is_corrupt
from services.engine.state.files import Unusable, database_path, set_aside
from services.engine.state.lock import hold_lock
from services.engine.state.store import load_positions
from services.engine.telemetry.instrumentation import instrument_lane, instrument_take
from services.engine.telemetry.logs import in_service
from services.settings.model import Settings

log = logging.getLogger(__name__)
ENGINE_TOPICS = ("commands", "operations", "dead-letters")
"""What every service reads. Nobody but a person writes to `commands`."""
TICK, LONGEST_PAUSE = 0.5, 5.0
"""Seconds between two checks for what is due by time: at least, and while nothing is due and nothing changes."""


@dataclass(frozen=True, slots=True)
class ServiceParts:
    """The parts of a running service, for its monitor."""

    engine: Engine
    publisher: Publisher
    consumer: Consumer
    relays: Sequence[Relay]


class Service:
    """One service of Davtari. `waits` states what it waits for now, by kind, for a person.

    Raises `SecretMissing` if the public key of commands cannot be read.
    """

    def __init__(self, blueprint: Blueprint, settings: Settings, clock: Clock = utc_now) -> None:
        self.blueprint, self.settings, self.clock = blueprint, settings, clock
        self.relays: list[Relay] = []
        self.gates: list[Gatekeeper] = []
        self.verifier = read_verifier(settings.commands, settings.kafka.topic_prefix)
        self.keys = KeyRing(settings.kafka, self.verifier)
        self.ready = asyncio.Event()
        self.instance = ""
        self.running: ServiceParts | None = None
        self.waits: dict[str, str] = {}

    async def run(self) -> None:
        """Run until cancelled. Running deliveries are finished and made durable before it returns.

        A state database that is corrupt, or that was filled from another log, is set aside; the service starts again
        with a new one. Raises `AlreadyRunning` when another instance is running.
        """
        directory, name = self.settings.state.directory, self.blueprint.name
        with in_service(name):
            async with hold_lock(directory, name, self.clock, self._report_wait_for("database")) as lock:
                self.instance = lock.instance
                while True:
                    await self._run_once(directory, name)

    async def _run_once(self, directory: Path, name: str) -> None:
        """Run until the state database proves unusable, and set it aside. Raises any other failure."""
        kinds, wait = self.blueprint.kinds, self._report_wait_for("database")
        database = await open_when_available(directory, name, self.clock, wait, kinds)
        try:
            await self._run(database)
        except Exception as error:
            what, why = _unusable(error)
        finally:
            self.running = None
            self.ready.clear()
            await self._forget_keys()
            await database.close()
        set_aside(database_path(directory, name), what, why, self.clock())

    async def _forget_keys(self) -> None:
        """Drop the keys: after a restart the log may be another one, so they are read again."""
        keys, self.keys = self.keys, KeyRing(self.settings.kafka, self.verifier)
        await keys.close()

    async def _run(self, database: Database) -> None:
        """Run with this database. Early tasks start before Kafka is available: webhooks are accepted meanwhile."""
        await check_secret(database)
        engine = Engine(self._rules(), database, self.clock)
        await restart_after_outages(database, lambda: engine.set_fingerprint(self.blueprint.fingerprint))
        lanes = [instrument_lane(lane, self.blueprint.name, database) for lane in self.blueprint.lanes]
        self.relays = [Relay(lane, engine.claim, engine.settle, engine.wait_due) for lane in lanes]
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(database.wait_for_corruption())
            for task in self.blueprint.early_tasks:
                tasks.create_task(restart_after_outages(database, partial(task, engine)))
            await self._on_kafka(engine)

    async def _on_kafka(self, engine: Engine) -> None:
        me = Member.here(self.instance, self.clock().timestamp())
        membership = Membership(self.settings.kafka, self.blueprint.name, me)
        consuming = self._consuming(engine, membership, me)
        async with consuming as (consumer, check), self._publishing(engine) as (publisher, sender):
            self.running = ServiceParts(engine, publisher, consumer, self.relays)
            tune_garbage_collector()
            changed = asyncio.Event()
            engine.on_change += [changed.set, publisher.wake, *[relay.wake for relay in self.relays]]
            engine.on_contradiction, engine.wait_until_confirmed = check.requested.set, membership.wait_until_confirmed
            consumer.on_rebalance = membership.check_requested.set
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.keys.keep_fresh())
                refusals = partial(report_refused_deletions, self.keys, engine)
                tasks.create_task(restart_after_outages(engine.database, refusals))
                tasks.create_task(check.watch())
                tasks.create_task(membership.watch())
                tasks.create_task(self._conditions(engine, sender).run())
                await wait_until_caught_up(consumer)
                await membership.check()
                await restart_after_outages(engine.database, engine.finish_catch_up)
                log.info("caught up", extra={"topics": len(self.blueprint.handlers.topics)})
                self.ready.set()
                tasks.create_task(restart_after_outages(engine.database, publisher.run))
                tasks.create_task(restart_after_outages(engine.database, partial(_tick, engine, changed)))
                for task in self.blueprint.tasks:
                    tasks.create_task(restart_after_outages(engine.database, partial(task, engine)))
                self.gates = [self._gatekeeper(engine, gate) for gate in self.blueprint.gates]
                for keeper in self.gates:
                    tasks.create_task(restart_after_outages(engine.database, keeper.run))
                for relay in self.relays:
                    tasks.create_task(self._relaying(relay, engine.database))

    async def _relaying(self, relay: Relay, database: Database) -> None:
        """Relay when every gate of the lane has opened."""
        for gate, keeper in zip(self.blueprint.gates, self.gates, strict=True):
            if relay.lane.name in gate.lanes:
                await keeper.opened.wait()
        await restart_after_outages(database, relay.run)

    def _gatekeeper(self, engine: Engine, gate: Gate) -> Gatekeeper:
        """A gate without lanes delays nothing, so its waits are not reported."""
        waits = self._report_wait_for(f"gate {gate.name}") if gate.lanes else _nothing
        return Gatekeeper(engine, self.blueprint.name, gate, waits, self.settings.gates.look_again)

    def _report_wait_for(self, kind: str) -> Callable[[str], None]:
        def report(why: str) -> None:
            self.waits[kind] = why

        return report

    def _rules(self) -> ServiceRules:
        name, prefix = self.blueprint.name, self.settings.kafka.topic_prefix
        return ServiceRules(
            service=name,
            handlers=with_forgetting_rules(name, with_condition_rules(with_gate_rules(self.blueprint.handlers))),
            blocked_deadline=self.settings.retry.blocked_deadline,
            in_flight=lambda: {id_ for relay in self.relays for id_ in relay.in_flight},
            unseal=self._open_records,
            reports=lambda topic: reports(name, topic.removeprefix(prefix)),
        )

    async def _open_records(self, records: Sequence[Record]) -> Sequence[Record]:
        """Verify what people have done, before anything else, and decrypt personal data."""
        unseal = Opener(self.keys).records if self.blueprint.personal else leave_people_out
        return await unseal(self.verifier.records(records))

    def _conditions(self, engine: Engine, sender: RenewableProducer) -> ConditionReporter:
        database, prefix, clock = engine.database, self.settings.kafka.topic_prefix, PROCESS_CLOCK_CHECK
        looks = {
            Reason.SERVICE_DISK: lambda: database.failure,
            Reason.SERVICE_CLOCK: lambda: clock.problem,
        }
        return ConditionReporter(self.blueprint.name, looks, database, sender, prefix, self.clock)

    @asynccontextmanager
    async def _publishing(self, engine: Engine) -> AsyncIterator[tuple[Publisher, RenewableProducer]]:
        kafka = self.settings.kafka
        sender = RenewableProducer(partial(create_producer, kafka, self.blueprint.name))
        await retry_until_available(sender.start, self._report_wait_for("Kafka"))
        try:
            seal = self._seal(sender)
            yield Publisher(engine.database, sender, kafka.topic_prefix, kafka.send_timeout, seal), sender
        finally:
            await sender.stop()

    def _seal(self, sender: RenewableProducer) -> Seal:
        if not self.blueprint.personal:
            return refuse_people
        if not self.settings.privacy.seal:
            return leave_unsealed
        return Sealer(self.keys, sender, self.settings.kafka.topic_prefix, self.blueprint.name, self.clock).values

    @asynccontextmanager
    async def _consuming(
        self, engine: Engine, membership: Membership, me: Member
    ) -> AsyncIterator[tuple[Consumer, LogCheck]]:
        await retry_until_available(membership.wait_until_alone, self._report_wait_for("Kafka"))
        consumer, check = await retry_until_available(
            partial(self._consumer, engine, me), self._report_wait_for("Kafka")
        )
        try:
            yield consumer, check
        finally:
            await consumer.stop()

    async def _consumer(self, engine: Engine, me: Member) -> tuple[Consumer, LogCheck]:
        """A started consumer. Its topics must exist: without them it would wait forever, without a message.

        Raises `LogChanged` when the topics do not hold what the state database has read of them.
        """
        name, kafka = self.blueprint.name, self.settings.kafka
        topics = topics_read(self.blueprint)
        await check_topics_exist(kafka, (*topics, *([KEYS] if self.blueprint.personal else [])))
        async with engine.database.read() as connection:
            positions = await load_positions(connection)
        take = instrument_take(engine.take, name, kafka.topic_prefix)
        client_id = me.client_id(name)
        consumer = Consumer(kafka, topics, kafka.group(name), me.instance, take, positions, client_id=client_id)
        check = LogCheck(kafka, lambda: consumer.positions, await self._cluster(engine.database))
        await check.check()
        try:
            await consumer.start()
        except BaseException:
            await consumer.stop()
            raise
        return consumer, check

    async def _cluster(self, database: Database) -> str | None:
        """The id of the cluster that the state database was filled from: this one, if it is new."""
        async with open_admin(self.settings.kafka) as asked:
            found = await read_cluster_id(asked)
        async with database.write() as connection:
            before = await read_meta(connection, "cluster")
            if before is None and found is not None:
                await write_meta(connection, "cluster", found)
        return before or found


def topics_read(blueprint: Blueprint) -> tuple[str, ...]:
    """The topics that a service consumes: those of its rules, and those of the engine."""
    return tuple(dict.fromkeys((*blueprint.handlers.topics, *ENGINE_TOPICS)))


def _unusable(error: Exception) -> tuple[Unusable, str]:
    """Why a failure makes the state database unusable. Raises any other failure."""
    if (changed := find_cause(error, LogChanged)) is not None:
        return "outdated", str(changed)
    if (other := find_cause(error, SecretChanged)) is not None:
        return "outdated", str(other)
    if is_corrupt(error):
        return "corrupt", str(first_cause(error))
    raise error


def _nothing(why: str) -> None:
    """No-op: no lanes depend on this gate."""


async def _tick(engine: Engine, changed: asyncio.Event) -> None:
    while True:
        changed.clear()
        await engine.decide_due()
        if PROCESS_CLOCK_CHECK.is_compared and not PROCESS_CLOCK_CHECK.problem:  # nothing expires by a wrong clock
            await engine.dead_letter_overdue()
        if not PROCESS_CLOCK_CHECK.problem:
            await carry_out_requests(engine)
        await asyncio.sleep(TICK)
        pause = min(LONGEST_PAUSE, await engine.seconds_until_due())
        with suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await changed.wait()
