"""Whatever an event holds: written as a Kafka record and read again, it is the same event with the same identity."""

from __future__ import annotations

import typing
from base64 import b64encode
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import AwareDatetime, BaseModel
from pydantic.fields import FieldInfo

from contracts.envelope import Envelope, decode, event_id, headers, value, wrap
from contracts.model import ABSURD, Event
from contracts.operations import Base64, Day
from contracts.registry import EVENTS
from contracts.shop import OrderRemoved

TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
EXACT = st.decimals(-ABSURD + 1, ABSURD - 1, allow_nan=False, allow_infinity=False) | st.decimals(-99, 99, places=2)
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=4)), timezone(timedelta(hours=-11, minutes=-30))])
MOMENTS = st.datetimes(datetime(1900, 1, 2), datetime(2200, 1, 1), timezones=ZONES)  # noqa: DTZ001
OPEN = st.dictionaries(
    TEXT, TEXT | st.integers(-9, 9) | st.booleans() | st.none() | st.lists(TEXT, max_size=2), max_size=2
)
PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    NoneType: st.none(),
    bool: st.booleans(),
    int: st.integers(1, 2**53),
    str: TEXT.filter(bool),
    Decimal: EXACT.filter(lambda number: abs(number) < ABSURD and abs(number.adjusted()) < 20),
    AwareDatetime: MOMENTS,
    Any: TEXT,
}


@cache
def parts(model: type[BaseModel]) -> st.SearchStrategy[Any]:
    """Any instance of an event or of a part of one."""
    given_fields = {name: field(info) for name, info in model.model_fields.items()}
    return st.builds(model, **given_fields)


def field(info: FieldInfo) -> st.SearchStrategy[Any]:
    """Any value of a field."""
    if Base64.__metadata__[0] in info.metadata:
        return st.binary(max_size=12).map(lambda raw: b64encode(raw).decode())
    if Day.__metadata__[-1] in info.metadata:
        return st.dates().map(str)
    patterns = [pattern for rule in info.metadata if (pattern := getattr(rule, "pattern", None))]
    if patterns:
        return st.from_regex(patterns[0], fullmatch=True)
    if least := max((getattr(rule, "min_length", 0) for rule in info.metadata), default=0):
        return of(info.annotation).filter(lambda value: len(value) >= least)
    return of(info.annotation)


def of(hint: Any) -> st.SearchStrategy[Any]:
    """Any value of a type hint as the events use them."""
    if hint in PLAIN:
        return PLAIN[hint]
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return parts(hint)
    if typing.get_origin(hint) is typing.Annotated:
        return field(FieldInfo.from_annotation(hint))
    return _composed(typing.get_origin(hint), typing.get_args(hint))


def _composed(origin: Any, inner: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    if origin is Literal:
        return st.sampled_from(inner)
    if origin in (typing.Union, UnionType):
        return st.one_of([of(one) for one in inner])
    if origin is dict:
        return OPEN if inner[1] is Any else st.dictionaries(TEXT, of(inner[1]), max_size=2)
    assert origin is tuple, f"teach this test to make {origin}"
    return _tuples(inner)


def _tuples(inner: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    if inner[-1] is Ellipsis:
        return st.lists(of(inner[0]), max_size=2).map(tuple)
    return st.tuples(*(of(one) for one in inner))


WRAPPED: dict[str, Any] = {
    "version": st.integers(1, 10**17),
    "source": TEXT,
    "time": MOMENTS,
    "traceparent": st.none() | st.just("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
}
each_event = pytest.mark.parametrize("event", EVENTS, ids=[event.__name__ for event in EVENTS])
thrifty = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@each_event
@thrifty
@given(st.data(), st.fixed_dictionaries(WRAPPED))
def test_an_event_is_read_as_it_was_written(event: type[Event], data: st.DataObject, how: dict[str, Any]) -> None:
    written = wrap(data.draw(parts(event)), **how)
    sent = dict(headers(written))

    read = decode([*sent.items()], value(written))

    assert read == written
    assert (value(read), dict(headers(read)).keys()) == (value(written), sent.keys())
    assert sent["ce_partitionkey"].decode() == written.data.key


IDENTITY = st.tuples(TEXT, TEXT, st.integers(1, 99))


@given(IDENTITY, IDENTITY)
def test_an_id_is_the_same_for_a_repetition_and_for_nothing_else(one: Any, other: Any) -> None:
    assert event_id(*one) == event_id(*one)
    assert (event_id(*one) == event_id(*other)) == (one == other) or any("|" in text for text in (*one[:2], *other[:2]))


@pytest.fixture
def first() -> Envelope[Any]:
    """An event that nothing of ours brought about."""
    moment = datetime(2026, 3, 2, 8, tzinfo=UTC)
    removed = OrderRemoved(shop="main", order_id=17, observed_at=moment)
    return wrap(removed, version=1, source="test", time=moment, traceparent="00-4bf9-00f0-01")


def test_what_follows_from_an_event_names_it_and_keeps_its_correlation_and_trace(first: Envelope[Any]) -> None:
    second = wrap(first.data, version=2, source="test", time=first.time, cause=first)
    third = wrap(first.data, version=3, source="test", time=first.time, cause=second)
    assert (first.correlationid, first.causationid) == (first.id, None)
    assert (third.correlationid, third.causationid) == (first.id, second.id)
    assert third.traceparent == first.traceparent
