"""Rules that take turns: the outcome is as if each had run alone, in the order in which they came to their end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.shared.state.fiber import Fiber
from services.shared.state.session import NotLoaded, Session
from tests.state.notes import NOTE, Note
from tests.state.test_session import NOW
from tests.state.test_session_model import KEYS, REFS, STEPS, TEXTS, Shelf, applied, rows_of, step_on

Steps = list[tuple[str, ...]]


@dataclass
class Turns:
    """Some rules over one session, run in turns over what is stored."""

    stored: Shelf
    scripts: list[Steps]
    session: Session = field(default_factory=lambda: Session(NOW))
    ended: list[tuple[int, Any]] = field(default_factory=list)

    def run(self, order: list[int]) -> None:
        """Resume the rules by turns, first as `order` says; what one misses is loaded before its next turn."""
        fibers = {n: Fiber(self.session, lambda steps=steps: self._rule(steps)) for n, steps in enumerate(self.scripts)}  # type: ignore[misc]
        turns = list(order)
        while fibers:
            n = turns.pop(0) if turns else next(iter(fibers))
            if n not in fibers:
                continue
            miss = fibers[n].resume()
            if miss is None:
                self.ended.append((n, fibers.pop(n).result))
            else:
                self._load(miss)

    def _rule(self, steps: Steps) -> list[Any]:
        return [step_on(self.session, *step) for step in steps]

    def _load(self, miss: NotLoaded) -> None:
        _, name = miss.slot
        if miss.by_ref:
            self.session.loaded_refs([miss.slot], rows_of(self.stored, lambda _, ref: ref == name))
        else:
            self.session.loaded([miss.slot], rows_of(self.stored, lambda key, _: key == name))

    def written(self) -> Shelf:
        """What the database would hold."""
        found = dict(self.stored)
        for (_, key), (note, ref) in self.session.changes.items():
            found.pop(key, None)
            if isinstance(note, Note):
                found[key] = (note.text, ref)
        return found


@settings(max_examples=200, deadline=None)
@given(
    stored=st.dictionaries(KEYS, st.tuples(TEXTS, REFS)),
    scripts=st.lists(STEPS, min_size=2, max_size=4),
    order=st.lists(st.integers(0, 3), max_size=30),
)
def test_turns_are_as_good_as_one_after_the_other(stored: Shelf, scripts: list[Steps], order: list[int]) -> None:
    turns = Turns(stored, scripts)
    turns.run([n for n in order if n < len(scripts)])
    alone = dict(stored)
    for n, result in turns.ended:
        assert result == [applied(alone, *step) for step in scripts[n]], f"rule {n} of {turns.ended}"
    assert turns.written() == alone
    assert sorted(n for n, _ in turns.ended) == list(range(len(scripts)))


def test_a_rule_whose_reading_was_overtaken_starts_again() -> None:
    """Given a counter that two rules raise by one, of which the first is set aside after it has read."""
    session = Session(NOW)
    session.loaded([("note", "count")], [("note", "count", "", '{"text": "0"}')])

    def raised(then: str) -> None:
        now = session.get(NOTE, "count")
        session.get(NOTE, then)
        session.put(NOTE, "count", Note(text=str(int(now.text if now else "0") + 1)))

    first, second = Fiber(session, lambda: raised("missing")), Fiber(session, lambda: raised("count"))
    assert isinstance(first.resume(), NotLoaded)
    assert second.resume() is None
    session.loaded([("note", "missing")], [])
    assert first.resume() is None
    assert session.get(NOTE, "count") == Note(text="2")


def test_a_rule_that_fails_in_its_turn_leaves_nothing_behind() -> None:
    session = Session(NOW)

    def broken() -> None:
        session.put(NOTE, "a", Note(text="half"))
        session.get(NOTE, "missing")
        raise ZeroDivisionError("per piece")

    rule = Fiber(session, broken)
    assert isinstance(rule.resume(), NotLoaded)
    session.loaded([("note", "missing")], [])
    with pytest.raises(ZeroDivisionError, match="per piece"):
        rule.resume()
    assert (session.changes, session.attempt.put) == ({}, {})


def test_a_rule_that_is_left_behind_half_way_disturbs_nobody() -> None:
    session = Session(NOW)

    def never_ending() -> None:
        session.put(NOTE, "a", Note(text="half"))
        session.get(NOTE, "missing")

    assert isinstance(Fiber(session, never_ending).resume(), NotLoaded)
    after = Fiber(session, lambda: session.put(NOTE, "b", Note(text="whole")))
    assert after.resume() is None
    assert list(session.changes) == [("note", "b")]


def test_a_rule_that_failed_over_what_was_changed_under_it_starts_again() -> None:
    """Given two records that always come and go together, and a rule that is set aside between reading them."""
    session = Session(NOW)
    session.loaded([("note", "left")], [("note", "left", "", '{"text": "here"}')])

    def look() -> str:
        left, right = session.get(NOTE, "left"), session.get(NOTE, "right")
        if (left is None) is not (right is None):
            raise ValueError("one without the other")
        return "both" if left else "none"

    def leave() -> None:
        session.drop(NOTE, "left")
        session.drop(NOTE, "right")

    looking = Fiber(session, look)
    assert isinstance(looking.resume(), NotLoaded)
    assert Fiber(session, leave).resume() is None
    assert looking.resume() is None
    assert looking.result == "none"
