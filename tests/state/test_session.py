"""What a rule sees of the projection within one transaction, and what it leaves behind."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import pytest

from services.engine.state.session import Miss, NotLoaded, Session
from tests.state.notes import NOTE, OTHER, Note

NOW = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture
def session() -> Session:
    """A session in which the keys a and b of NOTE are known not to exist."""
    found = Session(NOW)
    found.loaded([("note", "a"), ("note", "b")], [])
    return found


def test_a_rule_sees_what_it_put_itself(session: Session) -> None:
    def rule() -> Note | None:
        session.put(NOTE, "new", Note(text="1"))
        return session.get(NOTE, "new")

    assert session.run(rule) == Note(text="1")


def test_a_later_rule_sees_what_an_earlier_one_put(session: Session) -> None:
    session.run(lambda: session.put(NOTE, "a", Note(text="1")))
    assert session.run(lambda: session.get(NOTE, "a")) == Note(text="1")


def test_a_rule_that_misses_a_record_leaves_nothing_behind(session: Session) -> None:
    def rule() -> None:
        session.put(NOTE, "a", Note(text="half"))
        session.touch("subject")
        session.release("name")
        session.get(NOTE, "unread")

    with pytest.raises(NotLoaded):
        session.run(rule)
    assert session.get(NOTE, "a") is None
    assert (session.changes, session.touched, session.released) == ({}, {}, {})


def test_all_that_a_rule_misses_comes_to_light_at_once(session: Session) -> None:
    def rule() -> None:
        session.get(NOTE, "unread")
        session.find(NOTE, "ref")
        session.get(NOTE, "unread")

    with pytest.raises(NotLoaded) as unready:
        session.run(rule)
    assert unready.value.missing == (Miss(("note", "unread"), by_ref=False), Miss(("note", "ref"), by_ref=True))


def test_an_error_of_a_rule_that_missed_something_is_none_yet(session: Session) -> None:
    def rule() -> str:
        known = session.get(NOTE, "unread")
        if known is None:
            raise ValueError("nothing stands there")
        return known.text

    with pytest.raises(NotLoaded):
        session.run(rule)
    session.loaded([("note", "unread")], [("note", "unread", "", '{"text": "read"}')])
    assert session.run(rule) == "read"


@pytest.mark.parametrize(("asked", "begun"), [("unread", []), ("a", ["costly"])])
def test_a_rule_pauses_before_something_costly_while_anything_is_missing(
    session: Session, asked: str, begun: list[str]
) -> None:
    def rule() -> None:
        session.get(NOTE, asked)
        session.pause()
        done.append("costly")

    done: list[str] = []
    with suppress(NotLoaded):
        session.run(rule)
    assert done == begun


def test_outside_of_a_rule_what_is_missing_is_an_error(session: Session) -> None:
    with pytest.raises(NotLoaded):
        session.get(NOTE, "unread")
    with pytest.raises(NotLoaded):
        session.find(NOTE, "ref")


def test_a_rule_that_raises_leaves_nothing_behind(session: Session) -> None:
    def rule() -> None:
        session.drop(NOTE, "a")
        raise ValueError("a bug in a rule")

    session.run(lambda: session.put(NOTE, "a", Note(text="kept")))
    with pytest.raises(ValueError, match="a bug"):
        session.run(rule)
    assert session.get(NOTE, "a") == Note(text="kept")
    assert session.changes == {("note", "a"): (Note(text="kept"), "")}


def test_what_is_read_is_parsed_once(session: Session) -> None:
    session.loaded([("note", "c")], [("note", "c", "", '{"text": "read"}')])
    assert session.get(NOTE, "c") is session.get(NOTE, "c")


def test_what_was_put_is_not_overwritten_by_what_is_read_later(session: Session) -> None:
    session.run(lambda: session.put(NOTE, "c", Note(text="new")))
    session.loaded([("note", "c")], [("note", "c", "", '{"text": "old"}')])
    assert session.get(NOTE, "c") == Note(text="new")


def test_what_was_dropped_does_not_come_back_with_its_reference(session: Session) -> None:
    session.run(lambda: session.drop(NOTE, "c"))
    session.loaded_refs([("note", "r")], [("note", "c", "r", '{"text": "old"}')])
    assert session.find(NOTE, "r") == {}


def test_what_was_moved_before_its_reference_was_read_is_found_where_it_is_now(session: Session) -> None:
    session.run(lambda: session.put(NOTE, "c", Note(text="moved"), ref="new"))
    session.loaded_refs([("note", "old"), ("note", "new")], [("note", "c", "old", '{"text": "c"}')])
    assert (session.find(NOTE, "old"), session.find(NOTE, "new")) == ({}, {"c": Note(text="moved")})


def test_kinds_do_not_mix(session: Session) -> None:
    session.loaded_refs([("note", "r"), ("other", "r")], [])
    session.run(lambda: session.put(NOTE, "a", Note(text="1"), ref="r"))
    assert session.find(OTHER, "r") == {}
    with pytest.raises(NotLoaded):
        session.get(OTHER, "a")


def test_a_touch_keeps_the_cause_of_the_event_that_was_handled(session: Session) -> None:
    session.run(lambda: session.touch("subject"))
    assert session.touched == {"subject": None}
