"""One database transaction of a service: remember events, decide subjects, fill the outbox."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.delivery_ids import decision_id
from contracts.envelope import Cause, Envelope, Undecodable, wrap
from contracts.model import Event
from contracts.operations import DeadLettered
from contracts.reasons import Reason
from contracts.validation import plain
from services.engine.kafka.record import Record, read_all, restore_record
from services.engine.offload import run_by_size
from services.engine.outbox import contradictions, log_lines, outbox, unreadable
from services.engine.outbox.command_results import follow
from services.engine.outbox.dead_letter_rules import dead_letter_rules, decide_engine_subject, with_replay_count
from services.engine.outbox.dead_letters import AWAITED_THINGS, PARKED
from services.engine.outbox.decision import Decision, Delivery, Refusal
from services.engine.outbox.edits import EDIT, apply_edits, find_replacements
from services.engine.outbox.handlers import News, PendingEvent, ServiceRules, apply_in_order, compose_rules, ignore
from services.engine.outbox.lane import dump_cause
from services.engine.outbox.lookup import Lookup, ResultT
from services.engine.outbox.outbox import make_event_rows
from services.engine.outbox.reconcile import Changes, reconcile
from services.engine.outbox.sizes import fit_events
from services.engine.outbox.subjects import Versions, mark_again, mark_decided, mark_dirty, slot_of
from services.engine.state.records import Kind, RecordT, State
from services.engine.state.session import Miss, NotLoaded, Session
from services.engine.state.store import SubjectVersion, save_records

log = logging.getLogger(__name__)
CHECK_AGAIN_AFTER = timedelta(seconds=60)
"""A subject is decided again after this time if an unwanted row was in flight and could not be deleted."""
ROUNDS = 25
"""More rounds of decisions than any chain of our events needs; beyond it two rules trigger each other forever."""
OWN_NEWS: Mapping[type[Event], News] = {DeadLettered: with_replay_count}


class Work:
    """The work of one transaction. Use: take/announce/touch, then `decide()` or `defer()`, then `flush()`."""

    def __init__(self, connection: AsyncConnection, rules_: ServiceRules, now: datetime) -> None:
        self.connection, self.rules, self.now = connection, rules_, now
        self.session = Session(now)
        self._lookup = Lookup(connection, self.session, rules_.preloads)
        self._returned: set[str] = set()
        self._freed: list[Record] = []
        self.contradicted = False
        self._remember = compose_rules(dead_letter_rules(rules_.service), rules_.handlers.remember)
        self._versions = Versions(connection)
        self._published: list[dict[str, Any]] = []

    async def take(self, records: Iterable[Record], *, replayed: bool = False) -> list[Envelope[Event]]:
        """Apply the events of these records and return them; a record that cannot be handled becomes a dead letter."""
        readable = await self._read(records, replayed=replayed)
        await self._apply_all(readable, replayed=replayed)
        return [envelope for envelope, _ in readable]

    async def _read(self, records: Iterable[Record], *, replayed: bool) -> list[tuple[Envelope[Event], Record | None]]:
        given = list(records)
        size = sum(len(record.value or b"") for record in given)
        self.session.size += size
        readable: list[tuple[Envelope[Event], Record | None]] = []
        for record, found in zip(given, await run_by_size(partial(read_all, given), size), strict=True):
            if isinstance(found, Undecodable):
                await unreadable.report(self, record, found, replayed=replayed)
            else:
                readable.append((found, record))
        return readable

    async def announce(self, events: Iterable[tuple[Event, Cause | None]]) -> None:
        """Put events of this service into the outbox, each with the next version of its subject, and apply them."""
        news = await self._news(list(events))
        pairs = await fit_events(self.rules.service, news, partial(self.get_many, PARKED), self.now)
        await self._versions.load({slot_of(event) for event, _ in pairs})
        envelopes = [self._wrap(event, cause) for event, cause in pairs]
        log_lines.log_announced(envelopes)
        rows = await run_by_size(partial(make_event_rows, envelopes), self.session.size)
        self.session.size += sum(len(row["value"]) for row in rows)
        self._published += rows
        await self._apply_all([(envelope, None) for envelope in envelopes])

    async def _news(self, pairs: list[tuple[Event, Cause | None]]) -> list[tuple[Event, Cause | None]]:
        rules_ = {n: partial(self._select_news, event) for n, (event, _) in enumerate(pairs)}
        events = await self._lookup.results(rules_)
        return [(event, pairs[n][1]) for n, events in events.items() for event in events]

    def _select_news(self, event: Event) -> Sequence[Event]:
        rule = OWN_NEWS.get(type(event)) or self.rules.handlers.news.get(type(event))
        return (event,) if rule is None else self.session.run(partial(rule, event, self.session))

    def _wrap(self, event: Event, cause: Cause | None) -> Envelope[Event]:
        version = self._versions.issue(slot_of(event))
        return wrap(event, version=version, source=self.rules.service, time=self.now, cause=cause)

    async def _apply_all(
        self, pairs: Sequence[tuple[Envelope[Event], Record | None]], *, replayed: bool = False
    ) -> None:
        queue = await self._enqueue(pairs)
        while queue:
            queue, missing = await self._pass(queue, replayed)
            await self._lookup.load(missing)
            queue += await self._enqueue(await self._read(self._take_freed(), replayed=replayed))

    async def _enqueue(self, pairs: Sequence[tuple[Envelope[Event], Record | None]]) -> list[PendingEvent]:
        await self._versions.load({slot_of(envelope.data) for envelope, _ in pairs})
        return [PendingEvent(envelope, record) for envelope, record in pairs]

    def _take_freed(self) -> Sequence[Record]:
        """Results whose command was applied in this transaction."""
        freed, self._freed = self._freed, []
        return freed

    async def _pass(self, queue: Sequence[PendingEvent], replayed: bool) -> tuple[list[PendingEvent], list[Miss]]:
        """Apply the events whose records are loaded.

        Returns the others, with all later events of their keys, and what must be loaded for them.
        """
        deferred, missing, failed = await run_by_size(partial(apply_in_order, queue, self._apply), self.session.size)
        for pending, error in failed:
            await unreadable.report_failure(self, pending, error, replayed=replayed)
        return deferred, missing

    def _apply(self, pending: PendingEvent) -> Sequence[Miss]:
        """Run the rule of an event whose version is new. Returns what must be loaded first."""
        envelope = pending.envelope
        known = self._versions.get(slot_of(envelope.data))
        if envelope.sequence <= known.version:
            if pending.record is not None and contradictions.contradicts(envelope, known):
                self._record_contradiction(envelope, pending.record, known)
            return ()
        rule = self._remember.get(type(envelope.data), ignore)
        try:
            freed = self.session.run(partial(follow, rule, pending, self.session, self.rules.reports), envelope)
        except NotLoaded as error:
            return error.missing
        if freed is not None:
            self._freed += freed
            self._versions.mark_seen(envelope)
        return ()

    def _record_contradiction(self, envelope: Envelope[Event], record: Record, known: SubjectVersion) -> None:
        self.contradicted = True
        if envelope.source == self.rules.service:
            key, found = contradictions.make_contradiction(envelope, record, known)
            self.put(contradictions.CONTRADICTION, key, found)
            self.touch(contradictions.SUBJECT + key)

    def put(self, kind: Kind[RecordT], key: str, record: RecordT, ref: str = "") -> None:
        """Store a record that no event contains."""
        self.session.run(partial(self.session.put, kind, key, record, ref))

    def drop(self, kind: Kind[Any], key: str) -> None:
        """Delete a record."""
        self.session.run(partial(self.session.drop, kind, key))

    def touch(self, subject: str, cause: Cause | None = None) -> None:
        """Have a subject decided in this transaction."""
        self.session.touched[subject] = cause

    def mark_returned(self, ids: Iterable[str]) -> None:
        """Record that these deliveries have an outcome and are no longer in flight."""
        self._returned.update(ids)

    async def decide(self) -> None:
        """Decide every touched subject until nothing is touched any more."""
        for _ in range(ROUNDS):
            touched, released = dict(self.session.touched), dict(self.session.released)
            self.session.touched.clear()
            self.session.released.clear()
            if released:
                blocked = await self._waiting_for(released)
                touched = {**dict.fromkeys(blocked, next(iter(released.values()))), **touched}
            if not touched:
                return
            await self._decide(touched)
        raise RuntimeError(f"{self.rules.service}: decisions do not settle: {sorted(touched)[:5]}")

    async def _waiting_for(self, released: Collection[str]) -> list[str]:
        """The subjects with deliveries that wait for any of these things, or whose dead letter waits for one."""
        dead_letters = await self.find_many(AWAITED_THINGS, released)
        overdue = [awaited.subject for found in dead_letters.values() for awaited in found.values()]
        return [*await outbox.blocked_subjects(self.connection, released), *overdue]

    async def _decide(self, touched: dict[str, Cause | None]) -> None:
        await self._versions.load(slot for subject in touched if (slot := contradictions.parse_slot(subject)))
        await self._lookup.preload(touched)
        decisions = await self._lookup.results({subject: partial(self._decision, subject) for subject in touched})
        parked = await self.find_many(PARKED, touched)
        edits = await self.get_many(EDIT, find_replacements(parked))
        waiting = await outbox.read_waiting(self.connection, touched)
        in_flight = set(self.rules.in_flight()) - self._returned
        changes: dict[str, Changes] = {}
        for subject, decision in decisions.items():
            rows, dead_letters = waiting.get(subject, {}), parked[subject]
            whole = apply_edits(self.rules.service, decision, dead_letters, edits)
            changes[subject] = reconcile(self.rules.service, subject, whole, rows, dead_letters, in_flight, self.now)
        await self._write(changes, touched)
        await mark_decided(self.connection, decisions, touched, self.now)
        await mark_again(
            self.connection, [s for s, c in changes.items() if c.check_again], self.now + CHECK_AGAIN_AFTER
        )
        await self.announce((event, touched[subject]) for subject, c in changes.items() for event in c.announce)
        again = [restore_record(record) for decision in decisions.values() for record in decision.retry]
        await self.take(await self.rules.unseal(again) if again else (), replayed=True)

    def _rule_of(self, subject: str) -> Decision:
        if (slot := contradictions.parse_slot(subject)) is not None:
            return contradictions.decide(self.rules.service, slot, self._versions.get(slot), self.session)
        own = decide_engine_subject(self.rules.service, subject, self.session)
        return self.rules.handlers.decide(subject, self.session) if own is None else own

    def _decision(self, subject: str) -> Decision:
        try:
            return self.session.run(partial(self._rule_of, subject))
        except NotLoaded:
            raise
        except Exception as error:
            log.exception("decision failed", extra={"subject": subject})
            delivery = Delivery(id=decision_id(subject), kind="decide", lane="", key=subject, payload={})
            detail = f"deciding about {subject}: {plain(error)}"
            return Decision(refuse=(Refusal(delivery, Reason.DECISION_FAILED, detail),))

    async def run(self, rules_: Iterable[Callable[[State], ResultT]]) -> list[ResultT]:
        """Run rules that no event triggers, as if each handled one. Returns their results, in order."""
        tasks = {n: partial(self.session.run, partial(rule, self.session)) for n, rule in enumerate(rules_)}
        return list((await self._lookup.results(tasks)).values())

    async def decisions(self, subjects: Iterable[str]) -> dict[str, Decision]:
        """The decisions about these subjects now, without carrying them out."""
        return await self._lookup.results({subject: partial(self._decision, subject) for subject in subjects})

    async def get_many(self, kind: Kind[RecordT], keys: Iterable[str]) -> dict[str, RecordT]:
        """Records by key, read in bulk; what does not exist is absent."""
        return await self._lookup.get_many(kind, keys)

    async def find_many(self, kind: Kind[RecordT], refs: Iterable[str]) -> dict[str, dict[str, RecordT]]:
        """All records of each reference, by key, read in bulk."""
        return await self._lookup.find_many(kind, refs)

    async def _write(self, changes: dict[str, Changes], touched: dict[str, Cause | None]) -> None:
        rows: dict[str, list[dict[str, Any]]] = {"add": [], "replace": []}
        for subject, change in changes.items():
            rows["add"] += [self._row(delivery, subject, touched) for delivery in change.add]
            rows["replace"] += [self._row(delivery, subject, touched) for delivery in change.replace]
        await outbox.delete_rows(self.connection, [id_ for change in changes.values() for id_ in change.delete])
        await outbox.add_rows(self.connection, rows["add"])
        await outbox.replace_rows(self.connection, rows["replace"])

    def _row(self, delivery: Delivery, subject: str, touched: dict[str, Cause | None]) -> dict[str, Any]:
        deadline, now = self.rules.blocked_deadline, self.now.timestamp()
        return outbox.make_row(delivery, subject, now, deadline, dump_cause(touched[subject]))

    async def defer(self) -> None:
        """During the catch-up: store which subjects must be decided after it."""
        released = await self._waiting_for(self.session.released)
        await mark_dirty(self.connection, dict.fromkeys(released) | self.session.touched)

    async def flush(self) -> None:
        """Write the records and versions, and the events to publish."""
        await save_records(self.connection, self.session)
        await self._versions.save()
        await outbox.add_events(self.connection, self._published)
