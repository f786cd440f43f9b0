"""Which events a person wants to see, and since when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from contracts.envelope import Envelope, headers, value
from contracts.model import Event
from contracts.registry import EVENTS
from contracts.topics import TOPICS
from services.cli.events.records import EventFilter, EventRecord, UnknownName, parse_record
from services.cli.times import InvalidTime, parse_time
from services.engine.kafka.record import Record
from tests.subscribers.story import NOW, item, order, wrap_event

SECOND = timedelta(seconds=1)


def at(envelope: Envelope[Event], when: datetime = NOW) -> EventRecord:
    """An event as it was heard."""
    timestamp = int(when.timestamp() * 1000)
    topic, key = envelope.data.TOPIC, envelope.data.key.encode()
    return parse_record(Record(topic, 0, 0, timestamp, key, value(envelope), headers(envelope)))


ORDER, OTHER_SHOP, ITEM = at(wrap_event(order(17))), at(wrap_event(order(17, shop="outlet"))), at(wrap_event(item()))
NOTHING = parse_record(Record("shop.orders", 0, 0, 0, b"main:17", None, []))


@pytest.mark.parametrize(
    ("wanted", "passing"),
    [
        (EventFilter(), [ORDER, OTHER_SHOP, ITEM, NOTHING]),
        (EventFilter(types=("OrderChanged",)), [ORDER, OTHER_SHOP]),
        (EventFilter(types=("OrderChanged.v1", "davtari.ItemChanged.v1")), [ORDER, OTHER_SHOP, ITEM]),
        (EventFilter(keys=("main:17",)), [ORDER, NOTHING]),
        (EventFilter(shop="outlet"), [OTHER_SHOP]),
        (EventFilter(shop="main", types=("ItemChanged",)), []),
    ],
)
def test_only_what_is_wanted_passes(wanted: EventFilter, passing: list[EventRecord]) -> None:
    assert [one for one in (ORDER, OTHER_SHOP, ITEM, NOTHING) if wanted.matches(one)] == passing


def test_the_window_holds_its_beginning_and_not_its_end() -> None:
    window = EventFilter(since=NOW, until=NOW + SECOND)
    moments = [NOW - SECOND / 1000, NOW, NOW + SECOND - SECOND / 1000, NOW + SECOND]
    assert [window.matches(at(wrap_event(item()), when)) for when in moments] == [False, True, True, False]


def test_only_topics_that_may_contain_matching_events_are_read() -> None:
    assert EventFilter().topics_to_read == tuple(topic.name for topic in TOPICS if topic.name != "privacy.keys")
    assert EventFilter(types=("OrderChanged", "SaleRecorded")).topics_to_read == ("shop.orders", "ledger.documents")
    assert EventFilter(topics=("balance.items",), types=("SaleRecorded",)).topics_to_read == ("balance.items",)
    assert {topic for event in EVENTS for topic in EventFilter(types=(event.TYPE,)).topics_to_read} == {
        e.TOPIC for e in EVENTS
    }


@pytest.mark.parametrize("wrong", [EventFilter(topics=("orders",)), EventFilter(types=("OrderChange",))])
def test_a_name_that_does_not_exist_is_refused_and_the_valid_ones_are_listed(wrong: EventFilter) -> None:
    with pytest.raises(UnknownName, match=r"shop\.orders|OrderChanged"):
        _ = wrong.topics_to_read


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("90s", datetime(2026, 11, 20, 10, 1, 30, tzinfo=UTC)),
        ("2h", datetime(2026, 11, 20, 8, 3, tzinfo=UTC)),
        ("7d", datetime(2026, 11, 13, 10, 3, tzinfo=UTC)),
        ("2026-11-19", datetime(2026, 11, 18, 20, tzinfo=UTC)),
        ("2026-11-19T10:00", datetime(2026, 11, 19, 6, tzinfo=UTC)),
        ("2026-11-19T10:00+04:00", datetime(2026, 11, 19, 6, tzinfo=UTC)),
        ("99999d", datetime(1970, 1, 1, tzinfo=UTC)),
        ("1066-10-14", datetime(1970, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_moment_may_be_an_age_or_a_date(text: str, meant: datetime) -> None:
    assert parse_time(text, NOW) == meant


@pytest.mark.parametrize("text", ["", "yesterday", "2w", "-1h", "2026-13-01", "999999d", "0001-01-01T00:00+04:00"])
def test_a_moment_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidTime, match="Invalid time"):
        parse_time(text, NOW)


def test_keys_of_people_are_read_only_by_name() -> None:
    keys = "privacy.keys"
    assert keys not in EventFilter().topics_to_read
    assert "shop.orders" in EventFilter().topics_to_read
    assert EventFilter(topics=(keys,)).topics_to_read == EventFilter(types=("PersonKeyMade",)).topics_to_read == (keys,)
