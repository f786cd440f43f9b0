"""Dead letters in the query database: grouped, listed, closed by somebody, opened again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contracts.operations import DeadLettered, DeadLetterSettled, DiscardRequested, ReplayRequested
from services.console.queries.dead_letters import (
    DeadLetterQuery,
    DeadLetterSummary,
    list_dead_letters,
    list_groups,
    read_dead_letter,
)
from tests.console.console_bench import ConsoleBench, open_console
from tests.outbox.dead_letter_samples import dead_letter_of_record
from tests.support.exporting import PAID


@pytest.fixture
async def console(tmp_path: Path) -> AsyncIterator[ConsoleBench]:
    async with open_console(tmp_path) as found:
        yield found


def failed(order: int, reason: str = "balance.period-closed", minutes: int = 0, **more: Any) -> DeadLettered:
    """A dead letter about the Sale of an order."""
    key = f"main:{order}"
    content = {
        "dead_letter": f"dl-{order}", "service": "order-exporter", "original_key": key, "reason": reason,
        "detail": f"order {order}: March is closed", "about": f"sale:{key}", "digest": "d",
        "delivery": {
            "delivery_id": f"sale:{key}", "subject": key, "kind": "sale", "lane": "balance.documents", "payload": {},
        },
        "at": PAID + timedelta(minutes=minutes),
    }  # fmt: skip
    return DeadLettered.model_validate(content | more)


def closed(one: DeadLettered, how: str = "discarded", minutes: int = 60) -> DeadLetterSettled:
    """What closes it."""
    content = {
        "dead_letter": one.dead_letter, "service": one.service, "original_key": one.original_key, "how": how,
        "by": "nino", "why": "entered by hand", "at": PAID + timedelta(minutes=minutes),
    }  # fmt: skip
    return DeadLetterSettled.model_validate(content)


async def listed(console: ConsoleBench, **wanted: Any) -> list[DeadLetterSummary]:
    return list((await console.ask(list_dead_letters, DeadLetterQuery(**wanted))).items)


async def test_open_dead_letters_are_grouped_by_reason_and_shop(console: ConsoleBench) -> None:
    await console.take(failed(1), failed(2, minutes=5), failed(3, "sale.item-not-linked", 7), failed(4, minutes=9))
    await console.take(closed(failed(4)))
    found = await console.ask(list_groups)
    assert [(one.reason, one.shop, one.owner, one.count) for one in found] == [
        ("balance.period-closed", "main", "accountant", 2), ("sale.item-not-linked", "main", "storefront", 1),
    ]  # fmt: skip
    assert (found[0].oldest, found[0].newest) == (PAID, PAID + timedelta(minutes=5))
    assert [one.reason for one in await console.ask(list_groups, "storefront")] == ["sale.item-not-linked"]


async def test_lists_are_filtered_and_a_closed_one_names_who_closed_it_and_why(console: ConsoleBench) -> None:
    await console.take(failed(1), failed(2, minutes=5), failed(3, "sale.item-not-linked"), closed(failed(2)))
    assert {one.id for one in await listed(console)} == {"dl-1", "dl-3"}
    assert {one.id for one in await listed(console, open=None)} == {"dl-1", "dl-2", "dl-3"}
    (gone,) = await listed(console, open=False)
    assert (gone.id, gone.state, gone.closed_by, gone.closed_why, gone.order_id) == (
        ("dl-2", "discarded", "nino", "entered by hand", 2)
    )
    assert [one.id for one in await listed(console, reason="sale.item-not-linked")] == ["dl-3"]
    assert [one.id for one in await listed(console, owner="accountant")] == ["dl-1"]
    assert [one.id for one in await listed(console, order_id=1)] == ["dl-1"]
    assert await listed(console, shop="") == await listed(console, service="alerts") == []
    assert [one.id for one in await listed(console, open=False, closed_by="nino")] == ["dl-2"]


async def test_pages_of_many_dead_letters_have_each_once(console: ConsoleBench) -> None:
    await console.take(*[failed(n, minutes=n // 4) for n in range(1, 23)])
    seen: list[str] = []
    after: str | None = None
    while True:
        page = await console.ask(list_dead_letters, DeadLetterQuery(), after, 5)
        seen += [one.id for one in page.items]
        if (after := page.next) is None:
            break
    assert len(seen) == len(set(seen)) == 22


def since(one: DeadLetterSummary) -> tuple[str, datetime]:
    return one.state, one.since


async def test_after_a_failed_replay_it_is_open_since_its_first_failure(console: ConsoleBench) -> None:
    await console.take(failed(1))
    await console.take(closed(failed(1), "replayed"))
    await console.take(failed(1, minutes=70, replays=1))
    (found,) = await listed(console)
    assert (*since(found), found.replays) == ("open", PAID, 1)
    await console.take(closed(failed(1), minutes=80), failed(1, minutes=90))
    (found,) = await listed(console)
    assert since(found) == ("open", PAID + timedelta(minutes=90))


async def test_one_dead_letter_shows_its_event_and_its_history(console: ConsoleBench) -> None:
    asked = {"asked_by": "gia", "asked_at": PAID, "dead_letter": "dl-1"}
    story = [
        failed(1), ReplayRequested(command_id="r", **asked), closed(failed(1), "replayed"),
        failed(1, minutes=70, replays=1), DiscardRequested(command_id="d", **asked, why="entered by hand"),
        closed(failed(1)),
    ]  # fmt: skip
    for n, event in enumerate(story):
        await console.take(event, at=PAID + timedelta(minutes=n))
    found = await console.ask(read_dead_letter, "dl-1")
    assert found.failed == failed(1, minutes=70, replays=1)
    assert found.settled == closed(failed(1))
    assert [str(entry.message).removeprefix("dead letter dl-1") for entry in found.timeline] == [
        ": balance.period-closed: order 1: March is closed", "replay requested by gia",
        " replayed by nino entered by hand",
        ": balance.period-closed: order 1: March is closed", "discarding requested by gia: entered by hand",
        " discarded by nino entered by hand",
    ]  # fmt: skip
    assert await console.ask(read_dead_letter, "absent") is None


async def test_a_dead_letter_of_no_shop_is_listed_as_such(console: ConsoleBench) -> None:
    await console.take(dead_letter_of_record("balance-feed", "balance.items", "tea"))
    (found,) = await listed(console, shop="")
    assert (found.shop, found.order_id) == (None, None)
    assert [one.shop for one in await console.ask(list_groups)] == [None]
