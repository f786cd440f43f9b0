"""A service that needs no people: it reads records as after the person was forgotten, and publishes nobody's data."""

from __future__ import annotations

import pytest

from contracts.envelope import headers, value, wrap
from contracts.shop import OrderChanged
from services.engine.kafka.record import Record
from services.engine.privacy.keys import Keys
from services.engine.privacy.opener import leave_people_out
from services.engine.privacy.sealer import PersonNotSealed, refuse_people
from services.engine.privacy.sealing import person_content, seal_value
from tests.privacy.people import FEED, NINO, NOW, PRIVATE, made, order


def a_record(raw: bytes | None) -> Record:
    sent = wrap(order(), version=1, source=FEED, time=NOW)
    return Record("davtari.shop.orders", 0, 0, 0, b"main:1042", raw, headers(sent))


async def test_a_sealed_order_is_read_without_its_person() -> None:
    content = person_content(value(wrap(order(), version=1, source=FEED, time=NOW)))
    assert content
    (read,) = await leave_people_out([a_record(seal_value(content, made(Keys())))])
    event = read.read().data
    assert isinstance(event, OrderChanged)
    assert (event.order_id, event.person_ref, event.person) == (1042, NINO, None)


@pytest.mark.parametrize("raw", [None, b"", b"not JSON", b'{"sealed":null}', b'{"order_id":1}'])
async def test_any_other_record_stays_as_it_is(raw: bytes | None) -> None:
    assert await leave_people_out([a_record(raw)]) == [a_record(raw)]


async def test_events_without_a_person_are_published() -> None:
    assert await refuse_people([b'{"order_id":1}']) == [b'{"order_id":1}']


async def test_an_event_with_a_person_is_not_published_open() -> None:
    with pytest.raises(PersonNotSealed) as raised:
        await refuse_people([value(wrap(order(), version=1, source=FEED, time=NOW))])
    assert not any(private in str(raised.value) for private in PRIVATE)
