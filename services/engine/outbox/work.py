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
from services.engine.kafka.record import Record, restore_record
from services.engine.outbox import contradictions, log_lines, outbox
from services.engine.outbox.dead_letter_rules import (
    DEAD_LETTER_SUBJECT,
    dead_letter_rules,
    decide_engine_subject,
    with_replay_count,
)
from services.engine.outbox.dead_letters import (
    AWAITED_THINGS,
    PARKED,
    PERSON,
    UNHANDLED,
    dead_letter_of_record,
    redact_person,
)
from services.engine.outbox.decision import Decision, Delivery, Refusal
from services.engine.outbox.edits import EDIT, apply_edits, find_replacements
from services.engine.outbox.handlers import News, ServiceRules, compose_rules
from services.engine.outbox.lookup import Lookup, ResultT
from services.engine.outbox.outbox import make_event_row
from services.engine.outbox.reconcile import Changes, reconcile
from services.engine.outbox.row import dump_cause
from services.engine.outbox.subjects import mark_again, mark_decided, mark_dirty
from services.engine.outbox.told import PendingEvent, ignore
from services.engine.state.records import Kind, RecordT, State
from services.engine.state.session import Miss, NotLoaded, Session, Slot
from services.engine.state.store import SubjectVersion, load_versions, save_records, save_versions

log = logging.getLogger(__name__)
LOOK_AGAIN = timedelta(seconds=60)
"""When a subject is decided again at the latest whose unwanted row was on its way, and could not be taken back."""
ROUNDS = 25
"""More rounds of deciding than any chain of our events needs; beyond it two rules chase each other."""
OWN_NEWS: Mapping[type[Event], News] = {DeadLettered: with_replay_count}


class Work:
    """The work of one transaction. Use: take/announce/touch, then `decide()` or `defer()`, then `flush()`."""

    def __init__(self, connection: AsyncConnection, rules_: ServiceRules, now: datetime) -> None:
        self.connection, self.rules, self.now = connection, rules_, now
        self.session = Session(now)
        self._lookup = Lookup(connection, self.session, rules_.preloads)
        self.landed: set[str] = set()
        self.contradicted = False
        self._remember = compose_rules(dead_letter_rules(rules_.service), rules_.handlers.remember)
        self._held: dict[Slot, SubjectVersion] = {}
        self._seen: dict[Slot, SubjectVersion] = {}
        self._issued: dict[Slot, int] = {}
        self._published: list[dict[str, Any]] = []

    async def take(self, records: Iterable[Record], *, replayed: bool = False) -> list[Envelope[Event]]:
        """Remember what these records say, and give it; one that cannot be handled becomes a dead letter, once."""
        readable: list[tuple[Envelope[Event], Record | None]] = []
        for record in records:
            try:
                readable.append((record.read(), record))
            except Undecodable as error:
                await self._unreadable(record, error, replayed=replayed)
        await self._remember_all(readable, replayed=replayed)
        return [envelope for envelope, _ in readable]

    async def announce(self, events: Iterable[tuple[Event, Cause | None]]) -> None:
        """Put events of our own into the outbox, each with the next version of its subject, and remember them."""
        pairs = await self._news(list(events))
        await self._hold({(event.TOPIC, event.subject) for event, _ in pairs})
        envelopes = [self._wrap(event, cause) for event, cause in pairs]
        log_lines.log_announced(envelopes)
        self._published += [make_event_row(envelope) for envelope in envelopes]
        await self._remember_all([(envelope, None) for envelope in envelopes])

    async def _news(self, pairs: list[tuple[Event, Cause | None]]) -> list[tuple[Event, Cause | None]]:
        said = await self._lookup.results({n: partial(self._worth_saying, event) for n, (event, _) in enumerate(pairs)})
        return [(event, pairs[n][1]) for n, events in said.items() for event in events]

    def _worth_saying(self, event: Event) -> Sequence[Event]:
        rule = OWN_NEWS.get(type(event)) or self.rules.handlers.news.get(type(event))
        return (event,) if rule is None else self.session.run(partial(rule, event, self.session))

    def _wrap(self, event: Event, cause: Cause | None) -> Envelope[Event]:
        slot = (event.TOPIC, event.subject)
        version = max(self._held.get(slot, SubjectVersion()).version, self._issued.get(slot, 0)) + 1
        self._issued[slot] = version
        return wrap(event, version=version, source=self.rules.service, time=self.now, cause=cause)

    async def _remember_all(
        self, pairs: Sequence[tuple[Envelope[Event], Record | None]], *, replayed: bool = False
    ) -> None:
        await self._hold({(envelope.data.TOPIC, envelope.subject) for envelope, _ in pairs})
        queue = [PendingEvent(envelope, record) for envelope, record in pairs]
        while queue:
            queue, missing = await self._pass(queue, replayed)
            await self._lookup.load(missing)

    async def _pass(self, queue: Sequence[PendingEvent], replayed: bool) -> tuple[list[PendingEvent], list[Miss]]:
        """Apply the events whose records are loaded; gives the others, with all later ones of their keys, and what to
        load for them."""
        deferred: list[PendingEvent] = []
        missing: list[Miss] = []
        waiting: set[Slot] = set()
        for told in queue:
            if told.lane in waiting:
                deferred.append(told)
                continue
            try:
                missed = self._apply(told)
            except Exception as error:
                await self._rule_failed(told.envelope, told.record, error, replayed)
            else:
                if missed:
                    missing += missed
                    waiting.add(told.lane)
                    deferred.append(told)
        return deferred, missing

    def _apply(self, told: PendingEvent) -> Sequence[Miss]:
        """Run the rule of an event whose version was not seen yet; gives what must be loaded first."""
        envelope = told.envelope
        slot = (envelope.data.TOPIC, envelope.subject)
        held = self._held.get(slot, SubjectVersion())
        if envelope.sequence <= held.version:
            if told.record is not None and contradictions.contradicts(envelope, held):
                self._contradicted(envelope, told.record, held)
            return ()
        rule = self._remember.get(type(envelope.data), ignore)
        try:
            self.session.run(partial(rule, envelope, self.session), envelope)
        except NotLoaded as error:
            return error.missing
        self._held[slot] = self._seen[slot] = SubjectVersion(envelope.sequence, envelope.time.timestamp())
        return ()

    def _contradicted(self, envelope: Envelope[Event], record: Record, held: SubjectVersion) -> None:
        self.contradicted = True
        if envelope.source == self.rules.service:
            key, found = contradictions.make_contradiction(envelope, record, held)
            self.put(contradictions.CONTRADICTION, key, found)
            self.touch(contradictions.SUBJECT + key)

    async def _rule_failed(
        self, envelope: Envelope[Event], record: Record | None, error: Exception, replayed: bool
    ) -> None:
        if record is None:
            raise error
        log.exception("rule failed", extra={"event": envelope.id, "subject": envelope.subject})
        detail = f"{envelope.type} of {envelope.subject}: {plain(error)}"
        detail = redact_person(detail, envelope.data.content().get(PERSON))
        await self._bury(record, Reason.RECORD_RULE_FAILED, detail, replayed=replayed)

    async def _unreadable(self, record: Record, error: Undecodable, *, replayed: bool) -> None:
        """One service makes the dead letter of a record that no service can read; it is replayed to all of them."""
        if self.rules.reports(record.topic):
            await self._bury(record, error.code, error.detail, replayed=replayed)
        else:
            where = f"{record.topic}/{record.partition}/{record.offset}"
            log.warning("record left out", extra={"about": f"record {where}", "reason": error.code})

    async def _bury(self, record: Record, reason: str, detail: str, *, replayed: bool) -> None:
        """Open a dead letter, unless it is known; while catching up that is not known before the end."""
        letter = dead_letter_of_record(self.rules.service, record, reason, detail, self.now)
        id_ = letter.dead_letter
        if replayed:
            await self.announce([(letter, None)])
        elif id_ not in await self.get_many(PARKED, [id_]):
            self.put(UNHANDLED, id_, letter)
            self.touch(DEAD_LETTER_SUBJECT + id_)

    def put(self, kind: Kind[RecordT], key: str, record: RecordT, ref: str = "") -> None:
        """Remember a record that no event carries."""
        self.session.run(partial(self.session.put, kind, key, record, ref))

    def drop(self, kind: Kind[Any], key: str) -> None:
        """Forget a record."""
        self.session.run(partial(self.session.drop, kind, key))

    def touch(self, subject: str, cause: Cause | None = None) -> None:
        """Have a subject decided in this transaction."""
        self.session.touched[subject] = cause

    def mark_returned(self, ids: Iterable[str]) -> None:
        """These deliveries have come back: they count as on their way no more."""
        self.landed.update(ids)

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
        raise RuntimeError(f"{self.rules.service}: decisions do not come to rest: {sorted(touched)[:5]}")

    async def _waiting_for(self, released: Collection[str]) -> list[str]:
        """The subjects with deliveries that wait for any of these things, or have become dead letters over it."""
        letters = await self.find_many(AWAITED_THINGS, released)
        in_vain = [awaited.subject for found in letters.values() for awaited in found.values()]
        return [*await outbox.blocked_subjects(self.connection, released), *in_vain]

    async def _decide(self, touched: dict[str, Cause | None]) -> None:
        await self._hold(slot for subject in touched if (slot := contradictions.parse_slot(subject)))
        await self._lookup.preload(touched)
        decisions = await self._lookup.results({subject: partial(self._decision, subject) for subject in touched})
        parked = await self.find_many(PARKED, touched)
        edits = await self.get_many(EDIT, find_replacements(parked))
        waiting = await outbox.read_waiting(self.connection, touched)
        leaving = set(self.rules.in_flight()) - self.landed
        changes: dict[str, Changes] = {}
        for subject, decision in decisions.items():
            rows, letters = waiting.get(subject, {}), parked[subject]
            whole = apply_edits(self.rules.service, decision, letters, edits)
            changes[subject] = reconcile(self.rules.service, subject, whole, rows, letters, leaving, self.now)
        await self._write(changes, touched)
        await mark_decided(self.connection, decisions, touched, self.now)
        await mark_again(self.connection, [s for s, c in changes.items() if c.look_again], self.now + LOOK_AGAIN)
        await self.announce((event, touched[subject]) for subject, c in changes.items() for event in c.announce)
        again = [restore_record(record) for decision in decisions.values() for record in decision.retry]
        await self.take(await self.rules.unseal(again) if again else (), replayed=True)

    def _rule_of(self, subject: str) -> Decision:
        if (slot := contradictions.parse_slot(subject)) is not None:
            held = self._held.get(slot, SubjectVersion())
            return contradictions.decide(self.rules.service, slot, held, self.session)
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
        """Run rules that no event has brought about, as if each remembered one; gives what they return, in order."""
        tasks = {n: partial(self.session.run, partial(rule, self.session)) for n, rule in enumerate(rules_)}
        return list((await self._lookup.results(tasks)).values())

    async def decisions(self, subjects: Iterable[str]) -> dict[str, Decision]:
        """What is wanted of these subjects as they stand now; nothing of it is carried out."""
        return await self._lookup.results({subject: partial(self._decision, subject) for subject in subjects})

    async def get_many(self, kind: Kind[RecordT], keys: Iterable[str]) -> dict[str, RecordT]:
        """Records by key, read in bulk; what does not exist is absent."""
        return await self._lookup.get_many(kind, keys)

    async def find_many(self, kind: Kind[RecordT], refs: Iterable[str]) -> dict[str, dict[str, RecordT]]:
        """All records of each reference, by key, read in bulk."""
        return await self._lookup.find_many(kind, refs)

    async def _hold(self, slots: Iterable[Slot]) -> None:
        unknown = [slot for slot in slots if slot not in self._held]
        if unknown:
            self._held.update(await load_versions(self.connection, unknown))

    async def _write(self, changes: dict[str, Changes], touched: dict[str, Cause | None]) -> None:
        rows: dict[str, list[dict[str, Any]]] = {"add": [], "replace": []}
        for subject, change in changes.items():
            rows["add"] += [self._row(delivery, subject, touched) for delivery in change.add]
            rows["replace"] += [self._row(delivery, subject, touched) for delivery in change.replace]
        await outbox.delete_rows(self.connection, [id_ for change in changes.values() for id_ in change.take_back])
        await outbox.add_rows(self.connection, rows["add"])
        await outbox.replace_rows(self.connection, rows["replace"])

    def _row(self, delivery: Delivery, subject: str, touched: dict[str, Cause | None]) -> dict[str, Any]:
        deadline, now = self.rules.blocked_deadline, self.now.timestamp()
        return outbox.make_row(delivery, subject, now, deadline, dump_cause(touched[subject]))

    async def defer(self) -> None:
        """While catching up: keep what must be decided for the time when everything is known."""
        released = await self._waiting_for(self.session.released)
        await mark_dirty(self.connection, dict.fromkeys(released) | self.session.touched)

    async def flush(self) -> None:
        """Write all that was remembered, and the events to publish."""
        await save_records(self.connection, self.session)
        await save_versions(self.connection, self._seen)
        await outbox.add_events(self.connection, self._published)
