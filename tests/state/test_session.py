"""What a rule reads from the projection within one transaction, and what it changes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from services.engine.state.session import Miss, NotLoaded, Session
from tests.state.notes import NOTE, NOW, OTHER, Note


@pytest.fixture
def session() -> Session:
    """A session in which the keys a and b of NOTE are known not to exist."""
    found = Session(NOW)
    found.add_records([("note", "a"), ("note", "b")], [])
    return found


def test_a_rule_sees_what_it_put_itself(session: Session) -> None:
    def rule() -> Note | None:
        session.put(NOTE, "new", Note(text="1"))
        return session.get(NOTE, "new")

    assert session.run(rule) == Note(text="1")


def test_a_later_rule_sees_what_an_earlier_one_put(session: Session) -> None:
    session.run(lambda: session.put(NOTE, "a", Note(text="1")))
    assert session.run(lambda: session.get(NOTE, "a")) == Note(text="1")


def test_a_rule_that_is_interrupted_changes_nothing(session: Session) -> None:
    def rule() -> None:
        session.put(NOTE, "a", Note(text="half"))
        session.touch("subject")
        session.release("name")
        session.get(NOTE, "unread")

    with pytest.raises(NotLoaded):
        session.run(rule)
    assert session.get(NOTE, "a") is None
    assert (session.changes, session.touched, session.released) == ({}, {}, {})


@pytest.mark.parametrize(
    ("read", "missing"),
    [
        (lambda session: session.get(NOTE, "x"), [("x", False)]),
        (lambda session: session.find(NOTE, "r"), [("r", True)]),
        (lambda session: session.get_many(NOTE, ["a", "x", "y"]), [("x", False), ("y", False)]),
        (lambda session: session.find_many(NOTE, ["r", "s"]), [("r", True), ("s", True)]),
    ],
)
def test_a_read_states_everything_that_must_be_loaded_for_it(
    session: Session, read: Callable[[Session], object], missing: list[tuple[str, bool]]
) -> None:
    with pytest.raises(NotLoaded) as error:
        session.run(partial(read, session))
    assert error.value.missing == tuple(Miss(("note", name), by_ref) for name, by_ref in missing)


def test_a_read_outside_of_a_rule_raises_too(session: Session) -> None:
    with pytest.raises(NotLoaded):
        session.get(NOTE, "unread")


def test_a_rule_is_interrupted_at_its_first_read_of_a_record_that_is_not_loaded(session: Session) -> None:
    seen: list[Note | None] = []

    def rule() -> None:
        seen.extend(session.get(NOTE, key) for key in ("a", "x", "b"))

    with pytest.raises(NotLoaded):
        session.run(rule)
    assert seen == [None]
    session.add_records([("note", "x")], [("note", "x", "", '{"text": "read"}')])
    session.run(rule)
    assert seen == [None, None, Note(text="read"), None]


def test_many_records_are_read_at_once_with_what_the_rule_has_put_itself(session: Session) -> None:
    session.add_records([("note", "c")], [("note", "c", "r", '{"text": "read"}')])
    session.add_references([("note", "r"), ("note", "s")], [("note", "c", "r", '{"text": "read"}')])

    def rule() -> tuple[dict[str, Note], dict[str, dict[str, Note]]]:
        session.put(NOTE, "new", Note(text="put"), ref="s")
        return session.get_many(NOTE, ["a", "c", "new"]), session.find_many(NOTE, ["r", "s"])

    read, put = Note(text="read"), Note(text="put")
    assert session.run(rule) == ({"c": read, "new": put}, {"r": {"c": read}, "s": {"new": put}})


def test_a_rule_that_raises_changes_nothing(session: Session) -> None:
    def rule() -> None:
        session.drop(NOTE, "a")
        raise ValueError("a bug in a rule")

    session.run(lambda: session.put(NOTE, "a", Note(text="kept")))
    with pytest.raises(ValueError, match="a bug"):
        session.run(rule)
    assert session.get(NOTE, "a") == Note(text="kept")
    assert session.changes == {("note", "a"): (Note(text="kept"), "")}


def test_a_record_is_parsed_once(session: Session) -> None:
    session.add_records([("note", "c")], [("note", "c", "", '{"text": "read"}')])
    assert session.get(NOTE, "c") is session.get(NOTE, "c")


def test_a_record_that_was_put_is_not_overwritten_by_a_later_load(session: Session) -> None:
    session.run(lambda: session.put(NOTE, "c", Note(text="new")))
    session.add_records([("note", "c")], [("note", "c", "", '{"text": "old"}')])
    assert session.get(NOTE, "c") == Note(text="new")


def test_a_dropped_record_does_not_return_when_its_reference_is_loaded(session: Session) -> None:
    session.run(lambda: session.drop(NOTE, "c"))
    session.add_references([("note", "r")], [("note", "c", "r", '{"text": "old"}')])
    assert session.find(NOTE, "r") == {}


def test_a_record_that_was_moved_before_a_load_is_found_under_its_new_reference(session: Session) -> None:
    session.run(lambda: session.put(NOTE, "c", Note(text="moved"), ref="new"))
    session.add_references([("note", "old"), ("note", "new")], [("note", "c", "old", '{"text": "c"}')])
    assert (session.find(NOTE, "old"), session.find(NOTE, "new")) == ({}, {"c": Note(text="moved")})


def test_kinds_do_not_mix(session: Session) -> None:
    session.add_references([("note", "r"), ("other", "r")], [])
    session.run(lambda: session.put(NOTE, "a", Note(text="1"), ref="r"))
    assert session.find(OTHER, "r") == {}
    with pytest.raises(NotLoaded):
        session.get(OTHER, "a")


def test_a_touch_keeps_the_cause_of_the_event_that_was_handled(session: Session) -> None:
    session.run(lambda: session.touch("subject"))
    assert session.touched == {"subject": None}
