"""The session compared with a plain dict, for any order of loading, moving, putting, dropping and failing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.engine.state.session import NotLoaded, Session
from tests.state.notes import NOTE, Note

KEYS = st.sampled_from("abcde")
REFS = st.sampled_from(["", "r", "s"])
TEXTS = st.sampled_from(["1", "2"])
Notes = dict[str, tuple[str, str]]
"""By key: the text and the reference."""
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), KEYS, TEXTS, REFS),
        st.tuples(st.just("drop"), KEYS),
        st.tuples(st.just("get"), KEYS),
        st.tuples(st.just("find"), REFS),
        st.tuples(st.just("get_many"), KEYS, KEYS),
        st.tuples(st.just("find_many"), REFS, REFS),
    ),
    min_size=1,
    max_size=5,
)


class Failed(Exception):
    """A rule that failed halfway."""


class SessionModel(RuleBasedStateMachine):
    """`stored` is what the database holds, `now` what the transaction should see."""

    @initialize(stored=st.dictionaries(KEYS, st.tuples(TEXTS, REFS)))
    def begin(self, stored: Notes) -> None:
        self.stored, self.now = stored, dict(stored)
        self.session = Session(datetime(2026, 3, 2, tzinfo=UTC))

    @rule(keys=st.sets(KEYS, min_size=1))
    def read_keys(self, keys: set[str]) -> None:
        self.session.add_records([("note", key) for key in keys], rows_of(self.stored, lambda key, _: key in keys))

    @rule(refs=st.sets(REFS, min_size=1))
    def read_refs(self, refs: set[str]) -> None:
        self.session.add_references([("note", ref) for ref in refs], rows_of(self.stored, lambda _, ref: ref in refs))

    @rule(steps=STEPS)
    def run_a_rule(self, steps: list[tuple[str, ...]]) -> None:
        seen = self._run(lambda: [step_on(self.session, *step) for step in steps])
        assert seen == [applied(self.now, *step) for step in steps]

    @rule(steps=STEPS)
    def run_a_rule_that_fails(self, steps: list[tuple[str, ...]]) -> None:
        def failing() -> None:
            for step in steps:
                step_on(self.session, *step)
            raise Failed

        try:
            self._run(failing)
        except Failed:
            return
        raise AssertionError("the error did not reach the caller")

    @invariant()
    def writes_only_what_differs(self) -> None:
        written = dict(self.stored)
        for (_, key), (note, ref) in self.session.changes.items():
            written.pop(key, None)
            if note is not None:
                written[key] = (note.text, ref)  # type: ignore[attr-defined]
        assert written == self.now

    def _run(self, task: Callable[[], Any]) -> Any:
        """Run a rule as the engine does: load what is missing and run it again."""
        while True:
            try:
                return self.session.run(task)
            except NotLoaded as error:
                for (kind, name), by_ref in error.missing:
                    assert kind == "note"
                    (self.read_refs if by_ref else self.read_keys)({name})


def rows_of(stored: Notes, wanted: Callable[[str, str], bool]) -> list[tuple[str, str, str, str]]:
    """The stored rows of the wanted keys and references, as the database gives them."""
    return [
        ("note", key, ref, Note(text=text).model_dump_json()) for key, (text, ref) in stored.items() if wanted(key, ref)
    ]


def step_on(session: Session, action: str, name: str, *more: str) -> Any:
    """One step of a rule on a session. Returns what it read, as plain values."""
    if action == "put":
        return session.put(NOTE, name, Note(text=more[0]), more[1])
    if action == "drop":
        return session.drop(NOTE, name)
    if action == "get":
        note = session.get(NOTE, name)
        return note and note.text
    if action == "get_many":
        return texts(session.get_many(NOTE, (name, *more)))
    if action == "find_many":
        return {ref: texts(notes) for ref, notes in session.find_many(NOTE, (name, *more)).items()}
    return texts(session.find(NOTE, name))


def texts(notes: dict[str, Note]) -> dict[str, str]:
    """The text of each note."""
    return {key: note.text for key, note in notes.items()}


def applied(notes: Notes, action: str, name: str, *more: str) -> Any:
    """The same step on a plain dict."""
    if action == "put":
        notes[name] = (more[0], more[1])
    elif action == "drop":
        notes.pop(name, None)
    elif action == "get":
        return notes[name][0] if name in notes else None
    elif action == "get_many":
        return {key: notes[key][0] for key in (name, *more) if key in notes}
    elif action == "find_many":
        return {ref: under(notes, ref) for ref in (name, *more)}
    else:
        return under(notes, name)
    return None


def under(notes: Notes, name: str) -> dict[str, str]:
    """The text of each note with this reference, by key."""
    return {key: text for key, (text, ref) in sorted(notes.items()) if ref == name}


TestSessionModel = SessionModel.TestCase
TestSessionModel.settings = settings(max_examples=80, stateful_step_count=20, deadline=None)
