"""An invalid record is reported, stops nothing else, and its report is closed once it is corrected."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.balance import ItemChanged, PriceChanged
from contracts.model import Event
from contracts.operations import DeadLettered, DeadLetterSettled, DiscardRequested, ReplayRequested
from services.engine.outbox.upstream_errors import AccessDenied, ForeignAnswer
from services.sandbox.balance.catalogue import CatalogueRequest
from services.sandbox.balance.record import make_uid
from tests.balance_feed.feed_bench import FIRST, Feed, named, opened_feed
from tests.support.engine_bench import Clock

POISON = make_uid("item", "generated:1")


def command(kind: type[DiscardRequested] | type[ReplayRequested], dead_letter: DeadLettered, clock: Clock) -> Event:
    """What a person asks for about a dead letter."""
    reported = {"command_id": f"c-{kind.__name__}", "asked_by": "nino", "asked_at": clock(), "why": "known"}
    return kind.model_validate({**reported, "dead_letter": dead_letter.dead_letter})


async def asks(feed: Feed, event: Event) -> list[Event]:
    """A person's command arrives; gives what follows, without the command itself."""
    async with feed.engine.work() as work:
        await work.announce([(event, None)])
    return (await feed.ledger.news())[1:]


@pytest.mark.claim("K13")
async def test_one_bad_item_among_a_thousand_leaves_999(tmp_path: Path) -> None:
    async with opened_feed(tmp_path, CatalogueRequest(generate=1000)) as feed:
        feed.books.items.put(POISON, {"Name": ""})

        stated = await feed.imports("items")

        goods = {event.item for event in named(stated, ItemChanged) if event.kind == "goods"}
        (dead_letter,) = named(stated, DeadLettered)
        assert len(goods) == 999
        assert POISON not in goods
        assert dead_letter.reason == "balance.row-invalid"
        assert POISON in dead_letter.detail
        assert "Name is empty" in dead_letter.detail
        assert dead_letter.delivery is not None
        assert POISON in str(dead_letter.delivery.payload)


async def test_a_bad_record_is_reported_once_and_overtaken_when_it_is_fixed(feed: Feed) -> None:
    feed.books.items.put(FIRST, {"Name": ""})
    (dead_letter,) = named(await feed.imports("items"), DeadLettered)
    quiet = await feed.imports("items")
    feed.books.items.put(FIRST, {"Name": "ყავა"})

    events = await feed.imports("items")

    assert quiet == []
    assert [event.name for event in named(events, ItemChanged)] == ["ყავა"]
    (settled,) = named(events, DeadLetterSettled)
    assert (settled.dead_letter, settled.how, settled.by) == (dead_letter.dead_letter, "overtaken", "balance-feed")


async def test_a_bad_record_keeps_what_was_known_of_it(feed: Feed) -> None:
    await feed.imports("items")
    was = feed.books.items.get(FIRST) or {}
    feed.books.items.put(FIRST, {"Name": ""})

    (dead_letter,) = await feed.imports("items")
    feed.books.items.put(FIRST, {"Name": was["Name"]})
    (settled,) = await feed.imports("items")

    assert isinstance(dead_letter, DeadLettered)
    assert isinstance(settled, DeadLetterSettled)
    assert await feed.is_quiet("items")


async def test_a_dead_letter_that_a_person_discarded_is_not_written_again(feed: Feed) -> None:
    feed.books.items.put(FIRST, {"Name": ""})
    (dead_letter,) = named(await feed.imports("items"), DeadLettered)

    answers = await asks(feed, command(DiscardRequested, dead_letter, feed.clock))
    later = await feed.imports("items")

    assert [event.how for event in named(answers, DeadLetterSettled)] == ["discarded"]
    assert later == []


async def test_a_discarded_dead_letter_costs_nothing_once_its_record_is_fixed(feed: Feed) -> None:
    feed.books.items.put(FIRST, {"Name": ""})
    (dead_letter,) = named(await feed.imports("items"), DeadLettered)
    await asks(feed, command(DiscardRequested, dead_letter, feed.clock))
    feed.books.items.put(FIRST, {"Name": "ყავა"})
    await feed.imports("items")

    assert await feed.is_quiet("items")


async def test_a_replayed_dead_letter_comes_back_while_the_record_is_suntil_bad(feed: Feed) -> None:
    feed.books.items.put(FIRST, {"Name": ""})
    (dead_letter,) = named(await feed.imports("items"), DeadLettered)

    answers = await asks(feed, command(ReplayRequested, dead_letter, feed.clock))

    assert [event.how for event in named(answers, DeadLetterSettled)] == ["replayed"]
    assert [event.dead_letter for event in named(answers, DeadLettered)] == [dead_letter.dead_letter]


async def test_rows_without_uid_are_one_fault_and_stop_nothing(feed: Feed) -> None:
    feed.books.items.put(FIRST, {"Name": "ყავა"})
    feed.books.items._own[FIRST] |= {"uid": ""}

    stated = await feed.imports("items")

    (dead_letter,) = named(stated, DeadLettered)
    assert "a row without uid" in dead_letter.detail
    assert len(named(stated, ItemChanged)) == len(feed.books.items) - 1


async def test_missing_rights_are_shown_with_the_menu_that_fixs_them(feed: Feed) -> None:
    feed.books.settings = feed.books.settings.changed({"rights": {"forbidden": {"Items"}}})
    for _ in range(2):
        with pytest.raises(AccessDenied):
            await feed.imports("items")

    (dead_letter,) = await feed.ledger.news()
    feed.books.settings = feed.books.settings.changed({"rights": {"forbidden": set()}})
    events = await feed.imports("items")

    assert isinstance(dead_letter, DeadLettered)
    assert dead_letter.reason == "balance.unreadable"
    assert "Administration → Data synchronization settings" in dead_letter.detail
    assert [event.dead_letter for event in named(events, DeadLetterSettled)] == [dead_letter.dead_letter]


@pytest.mark.claim("K28")
@pytest.mark.parametrize("body", ['{"answer": 42, "rows": [1, 2]}', '{"message": "Access denied"}', "<html>", "[null]"])
async def test_an_answer_that_cannot_be_balances_changes_nothing(feed: Feed, body: str) -> None:
    fault = feed.trouble("status", "GET .*/Prices$", status=200, body=body)
    with pytest.raises(ForeignAnswer):
        await feed.imports("prices")
    assert await feed.ledger.news() == []
    feed.sandbox.clear(fault)
    assert named(await feed.imports("prices"), PriceChanged)


async def test_faults_of_one_resource_outlive_the_imports_of_another(feed: Feed) -> None:
    feed.books.items.put(FIRST, {"Name": ""})
    await feed.imports("items")

    assert named(await feed.imports("stock"), DeadLetterSettled) == []
