"""One message when a cause begins to stand, reminders while it stands, one when it is gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.alerts import AlertSent, FeedStateChanged
from contracts.reasons import Reason
from services.alerts.message import Notice
from tests.alerts.desk import open_desk
from tests.alerts.given import alerting, dead_letter, settled, using
from tests.outbox.shelf import NOW
from tests.support.exporting import line, link, order, recorded_sale


def reported(notices: list[Notice]) -> list[tuple[str, str, int]]:
    """What was told to whom, and of how many things."""
    return [(each.recipient, each.what, each.standing) for each in notices]


async def test_fifty_dead_letters_of_one_cause_are_one_message_and_one_when_they_are_gone(tmp_path: Path) -> None:
    async with open_desk(tmp_path, using(alerting())) as alerts:
        for number in range(50):
            await alerts.learns(dead_letter(number, at=alerts.bench.clock()))
            alerts.bench.clock.advance(0.5)
        assert reported(await alerts.after(seconds=30)) == [("everyone", "opened", 50)]
        await alerts.learns(dead_letter(50))
        assert await alerts.after(minutes=10) == []
        await alerts.learns(*[settled(number) for number in range(51)], version=2)
        assert await alerts.after(seconds=59) == []
        assert reported(await alerts.after(seconds=2)) == [("everyone", "resolved", 50)]
        assert await alerts.after(days=5) == []


async def test_a_cause_that_goes_before_it_was_reported_is_never_mentioned(tmp_path: Path) -> None:
    async with open_desk(tmp_path, using(alerting())) as alerts:
        await alerts.learns(dead_letter(1))
        await alerts.after(seconds=20)
        await alerts.learns(settled(1), version=2)
        assert await alerts.after(days=1) == []


async def test_a_cause_that_comes_back_while_its_end_is_not_reported_yet_is_no_news(tmp_path: Path) -> None:
    async with open_desk(tmp_path, using(alerting())) as alerts:
        await alerts.learns(dead_letter(1))
        await alerts.after(minutes=1)
        await alerts.learns(settled(1), version=2)
        await alerts.after(seconds=30)
        await alerts.learns(dead_letter(2))
        assert await alerts.after(hours=3) == []


async def test_a_cause_that_flaps_is_reported_again_only_after_the_quiet_time(tmp_path: Path) -> None:
    async with open_desk(tmp_path, using(alerting(quiet=900))) as alerts:
        await alerts.learns(dead_letter(1))
        await alerts.after(minutes=1)
        await alerts.learns(settled(1), version=2)
        assert reported(await alerts.after(minutes=2)) == [("everyone", "resolved", 1)]
        await alerts.learns(dead_letter(1, at=alerts.bench.clock()), version=3)
        assert await alerts.after(minutes=14) == []
        assert reported(await alerts.after(minutes=2)) == [("everyone", "opened", 1)]
        assert alerts.post[-1].episode == 2


async def test_reminders_come_at_growing_distances(tmp_path: Path) -> None:
    async with open_desk(tmp_path, using(alerting(remind=3600, remind_at_most=4 * 3600))) as alerts:
        await alerts.learns(dead_letter(1))
        hours = [hour for hour in range(13) if await alerts.after(hours=1)]
        assert hours == [0, 1, 3, 7, 11]
        assert [each.what for each in alerts.post] == ["opened", *["reminded"] * 4]


async def test_each_role_gets_what_it_can_fix_in_its_language(tmp_path: Path) -> None:
    people = {
        "books": {"url_file": "a", "roles": ["accountant"], "language": "ka"},
        "shop": {"url_file": "b", "roles": ["storefront", "merchant"]},
    }
    async with open_desk(tmp_path, using(alerting(people))) as alerts:
        await alerts.learns(dead_letter(1, Reason.BALANCE_PERIOD_CLOSED), dead_letter(2, Reason.SALE_NOT_WHOLE_TETRI))
        sent = {each.recipient: each for each in await alerts.after(minutes=1)}
        assert {name: each.cause for name, each in sent.items()} == {
            "books": "balance.period-closed@main",
            "shop": "sale.not-whole-tetri@main",
        }
        assert "პერიოდი" in sent["books"].body
        assert "What to do:" in sent["shop"].body


async def test_what_nobody_is_named_for_goes_to_everybody(tmp_path: Path) -> None:
    people = {"books": {"url_file": "a", "roles": ["accountant"]}, "more": {"url_file": "b", "roles": ["accountant"]}}
    async with open_desk(tmp_path, using(alerting(people))) as alerts:
        await alerts.learns(dead_letter(1, Reason.RECORD_INVALID_DATA))
        assert {each.recipient for each in await alerts.after(minutes=1)} == {"books", "more"}


async def test_in_quiet_hours_nothing_leaves(tmp_path: Path) -> None:
    people = {"everyone": {"url_file": "a", "quiet_hours": "00:00-23:59"}}
    async with open_desk(tmp_path, using(alerting(people))) as alerts:
        await alerts.learns(dead_letter(1))
        assert await alerts.after(minutes=1) == []
        assert reported(await alerts.after(hours=24)) == [("everyone", "opened", 1)]


async def test_a_message_holds_no_detail_of_a_dead_letter_since_that_may_name_people(tmp_path: Path) -> None:
    async with open_desk(tmp_path, using(alerting())) as alerts:
        await alerts.learns(*[dead_letter(number) for number in range(8)])
        [sent] = await alerts.after(minutes=1)
        assert "Nino" not in sent.title + sent.body
        assert "sale:main:4" in sent.body
        assert "and 3 more" in sent.body


async def test_a_code_of_a_later_version_is_reported_all_the_same(tmp_path: Path) -> None:
    async with open_desk(tmp_path, using(alerting())) as alerts:
        await alerts.learns(dead_letter(1, "tea.too-hot"))
        [sent] = await alerts.after(minutes=1)
        assert sent.cause == "tea.too-hot@main"
        assert "later version" in sent.body


async def test_a_late_paid_order_is_reported_and_its_sale_ends_it(tmp_path: Path) -> None:
    using_ = using(alerting(paid_order_limit=1800, gather=0))
    paid = order(line(1, "60.00"), paid_at=NOW)
    async with open_desk(tmp_path, using_) as alerts:
        await alerts.learns(link(311), paid)
        assert await alerts.after(minutes=29) == []
        [sent] = await alerts.after(minutes=2)
        assert (sent.cause, sent.standing) == (f"{Reason.SALE_OVERDUE}@main", 1)
        await alerts.learns(recorded_sale(paid, using_))
        assert reported(await alerts.after(minutes=2)) == [("everyone", "resolved", 1)]


async def test_a_part_of_another_order_is_never_late(tmp_path: Path) -> None:
    using_ = using(alerting(paid_order_limit=1800, gather=0))
    paid = order(line(1, "60.00"), paid_at=NOW, parent_id=5001, created_via="dokan")
    async with open_desk(tmp_path, using_) as alerts:
        await alerts.learns(link(311), paid)
        assert await alerts.after(hours=24) == []


async def test_a_late_order_with_a_dead_letter_is_reported_once(tmp_path: Path) -> None:
    paid = order(line(1, "60.00"), paid_at=NOW)
    async with open_desk(tmp_path, using(alerting(paid_order_limit=1800))) as alerts:
        await alerts.learns(paid, dead_letter(paid.order_id))
        assert [each.cause for each in await alerts.after(hours=2)] == ["sale.item-not-linked@main"]


@pytest.mark.parametrize("flow", ["off", "dry-run"])
async def test_where_orders_are_not_live_none_is_late(tmp_path: Path, flow: str) -> None:
    async with open_desk(tmp_path, using(alerting(), flow=flow)) as alerts:
        await alerts.learns(order(line(1, "60.00"), paid_at=NOW))
        assert await alerts.after(days=1) == []


async def test_a_stale_feed_is_reported_until_it_is_fresh(tmp_path: Path) -> None:
    async with open_desk(tmp_path, using(alerting())) as alerts:
        about = {"feed": "stock", "service": "balance-feed", "complete_at": NOW, "at": NOW}
        await alerts.learns(FeedStateChanged(freshness="stale", **about))
        assert [(each.cause, each.what) for each in await alerts.after(minutes=1)] == [("feed.stale", "opened")]
        await alerts.learns(FeedStateChanged(freshness="fresh", **about), version=2)
        assert [(each.cause, each.what) for each in await alerts.after(minutes=2)] == [("feed.stale", "resolved")]


async def test_a_rebuilt_database_sends_nothing_twice(tmp_path: Path) -> None:
    """Given what stands on the topics: letters of two causes, and the record that one of them was told of."""
    using_ = using(alerting())
    facts = [dead_letter(1), dead_letter(2, Reason.PRODUCT_NO_SKU)]
    async with open_desk(tmp_path / "first", using_) as alerts:
        await alerts.learns(facts[0])
        await alerts.after(minutes=1)
        sent = await alerts.bench.said(AlertSent)
    async with open_desk(tmp_path / "second", using_) as alerts:
        await alerts.learns(*facts, *sent)
        assert [each.cause for each in await alerts.after(minutes=2)] == ["product.no-sku@main"]


async def test_what_a_dry_run_recorded_is_sent_when_it_is_in_earnest(tmp_path: Path) -> None:
    async with open_desk(tmp_path / "first", using(alerting(dry_run=True))) as alerts:
        await alerts.learns(dead_letter(1))
        await alerts.after(minutes=1)
        assert await alerts.after(minutes=9) == []
        sent = await alerts.bench.said(AlertSent)
    assert [each.dry_run for each in sent] == [True]
    async with open_desk(tmp_path / "second", using(alerting())) as alerts:
        await alerts.learns(dead_letter(1), *sent)
        assert reported(await alerts.after(minutes=2)) == [("everyone", "opened", 1)]


async def test_dead_letters_of_the_service_itself_count_too(tmp_path: Path) -> None:
    """Given a bench whose own rules fail, the engine's letter about it is one of a cause."""
    using_ = using(alerting())
    assert using_.alerts is not None
    async with open_desk(tmp_path, using_) as alerts:
        own = dead_letter(9, Reason.RECORD_INVALID_DATA, service="alerts")
        await alerts.learns(own)
        assert [each.cause for each in await alerts.after(minutes=1)] == ["record.invalid-data"]
