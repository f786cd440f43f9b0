"""One message when a cause appears, reminders while it lasts, one when it is gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.alerts import AlertSent, FeedStateChanged
from contracts.reasons import Reason
from services.alerts.message import Notice
from tests.alerts.alerts_bench import open_alerts_bench
from tests.alerts.samples import alert_settings, dead_letter, settled, shop_settings
from tests.outbox.sample_service import NOW
from tests.support.exporting import line, link, order, recorded_sale


def summary(notices: list[Notice]) -> list[tuple[str, str, int]]:
    """(recipient, kind of message, number of issues) of each message."""
    return [(each.recipient, each.what, each.standing) for each in notices]


async def test_fifty_dead_letters_of_one_cause_are_one_message_and_one_message_at_their_end(tmp_path: Path) -> None:
    async with open_alerts_bench(tmp_path, shop_settings(alert_settings())) as alerts:
        for number in range(50):
            await alerts.take(dead_letter(number, at=alerts.bench.clock()))
            alerts.bench.clock.advance(0.5)
        assert summary(await alerts.advance(seconds=30)) == [("everyone", "opened", 50)]
        await alerts.take(dead_letter(50))
        assert await alerts.advance(minutes=10) == []
        await alerts.take(*[settled(number) for number in range(51)], version=2)
        assert await alerts.advance(seconds=59) == []
        assert summary(await alerts.advance(seconds=2)) == [("everyone", "resolved", 50)]
        assert await alerts.advance(days=5) == []


async def test_a_cause_that_ends_before_its_report_is_never_reported(tmp_path: Path) -> None:
    async with open_alerts_bench(tmp_path, shop_settings(alert_settings())) as alerts:
        await alerts.take(dead_letter(1))
        await alerts.advance(seconds=20)
        await alerts.take(settled(1), version=2)
        assert await alerts.advance(days=1) == []


async def test_a_cause_that_returns_before_its_end_is_reported_is_not_reported_again(tmp_path: Path) -> None:
    async with open_alerts_bench(tmp_path, shop_settings(alert_settings())) as alerts:
        await alerts.take(dead_letter(1))
        await alerts.advance(minutes=1)
        await alerts.take(settled(1), version=2)
        await alerts.advance(seconds=30)
        await alerts.take(dead_letter(2))
        assert await alerts.advance(hours=3) == []


async def test_a_cause_that_flaps_is_reported_again_only_after_the_quiet_time(tmp_path: Path) -> None:
    async with open_alerts_bench(tmp_path, shop_settings(alert_settings(quiet=900))) as alerts:
        await alerts.take(dead_letter(1))
        await alerts.advance(minutes=1)
        await alerts.take(settled(1), version=2)
        assert summary(await alerts.advance(minutes=2)) == [("everyone", "resolved", 1)]
        await alerts.take(dead_letter(1, at=alerts.bench.clock()), version=3)
        assert await alerts.advance(minutes=14) == []
        assert summary(await alerts.advance(minutes=2)) == [("everyone", "opened", 1)]
        assert alerts.sent[-1].episode == 2


@pytest.mark.parametrize("minutes", [3, 20])
async def test_a_cause_that_flaps_becomes_one_open_cause_with_a_count(tmp_path: Path, minutes: int) -> None:
    async with open_alerts_bench(tmp_path, shop_settings(alert_settings(remind=4 * 3600))) as alerts:
        for turn in range(12 * 60 // minutes):
            if turn % 2:
                await alerts.take(settled(1), version=turn + 1)
            else:
                await alerts.take(dead_letter(1, at=alerts.bench.clock()), version=turn + 1)
            await alerts.advance(minutes=minutes)
        sent = [each.what for each in alerts.sent]
        assert sent.count("resolved") <= 6
        assert sent[-1] == "reminded"
        assert f"It was gone and came back {alerts.sent[-1].returns} times." in alerts.sent[-1].body


async def test_reminders_are_sent_at_growing_intervals(tmp_path: Path) -> None:
    async with open_alerts_bench(
        tmp_path, shop_settings(alert_settings(remind=3600, remind_at_most=4 * 3600))
    ) as alerts:
        await alerts.take(dead_letter(1))
        hours = [hour for hour in range(13) if await alerts.advance(hours=1)]
        assert hours == [0, 1, 3, 7, 11]
        assert [each.what for each in alerts.sent] == ["opened", *["reminded"] * 4]


async def test_each_role_gets_the_causes_it_can_fix_in_its_language(tmp_path: Path) -> None:
    people = {
        "books": {"url_file": "a", "roles": ["accountant"], "language": "ka"},
        "shop": {"url_file": "b", "roles": ["storefront", "merchant"]},
    }
    async with open_alerts_bench(tmp_path, shop_settings(alert_settings(people))) as alerts:
        await alerts.take(dead_letter(1, Reason.BALANCE_PERIOD_CLOSED), dead_letter(2, Reason.SALE_NOT_WHOLE_TETRI))
        sent = {each.recipient: each for each in await alerts.advance(minutes=1)}
        assert {name: each.cause for name, each in sent.items()} == {
            "books": "balance.period-closed@main",
            "shop": "sale.not-whole-tetri@main",
        }
        assert "პერიოდი" in sent["books"].body
        assert "What to do:" in sent["shop"].body


async def test_a_cause_without_a_recipient_is_sent_to_everybody(tmp_path: Path) -> None:
    people = {"books": {"url_file": "a", "roles": ["accountant"]}, "more": {"url_file": "b", "roles": ["accountant"]}}
    async with open_alerts_bench(tmp_path, shop_settings(alert_settings(people))) as alerts:
        await alerts.take(dead_letter(1, Reason.RECORD_INVALID_DATA))
        assert {each.recipient for each in await alerts.advance(minutes=1)} == {"books", "more"}


async def test_nothing_is_sent_in_quiet_hours(tmp_path: Path) -> None:
    people = {"everyone": {"url_file": "a", "quiet_hours": "00:00-23:59"}}
    async with open_alerts_bench(tmp_path, shop_settings(alert_settings(people))) as alerts:
        await alerts.take(dead_letter(1))
        assert await alerts.advance(minutes=1) == []
        assert summary(await alerts.advance(hours=24)) == [("everyone", "opened", 1)]


async def test_a_message_omits_the_detail_of_a_dead_letter_which_may_name_people(tmp_path: Path) -> None:
    async with open_alerts_bench(tmp_path, shop_settings(alert_settings())) as alerts:
        await alerts.take(*[dead_letter(number) for number in range(8)])
        [sent] = await alerts.advance(minutes=1)
        assert "Nino" not in sent.title + sent.body
        assert "sale:main:4" in sent.body
        assert "and 3 more" in sent.body


async def test_a_reason_code_of_a_later_version_is_reported_too(tmp_path: Path) -> None:
    async with open_alerts_bench(tmp_path, shop_settings(alert_settings())) as alerts:
        await alerts.take(dead_letter(1, "tea.too-hot"))
        [sent] = await alerts.advance(minutes=1)
        assert sent.cause == "tea.too-hot@main"
        assert "later version" in sent.body


async def test_a_late_paid_order_is_reported_until_its_sale_is_recorded(tmp_path: Path) -> None:
    settings = shop_settings(alert_settings(paid_order_limit=1800, gather=0))
    paid = order(line(1, "60.00"), paid_at=NOW)
    async with open_alerts_bench(tmp_path, settings) as alerts:
        await alerts.take(link(311), paid)
        assert await alerts.advance(minutes=29) == []
        [sent] = await alerts.advance(minutes=2)
        assert (sent.cause, sent.standing) == (f"{Reason.SALE_OVERDUE}@main", 1)
        await alerts.take(recorded_sale(paid, settings))
        assert summary(await alerts.advance(minutes=2)) == [("everyone", "resolved", 1)]


async def test_a_part_of_another_order_is_never_late(tmp_path: Path) -> None:
    settings = shop_settings(alert_settings(paid_order_limit=1800, gather=0))
    paid = order(line(1, "60.00"), paid_at=NOW, parent_id=5001, created_via="dokan")
    async with open_alerts_bench(tmp_path, settings) as alerts:
        await alerts.take(link(311), paid)
        assert await alerts.advance(hours=24) == []


async def test_a_late_order_with_a_dead_letter_is_reported_once(tmp_path: Path) -> None:
    paid = order(line(1, "60.00"), paid_at=NOW)
    async with open_alerts_bench(tmp_path, shop_settings(alert_settings(paid_order_limit=1800))) as alerts:
        await alerts.take(paid, dead_letter(paid.order_id))
        assert [each.cause for each in await alerts.advance(hours=2)] == ["sale.item-not-linked@main"]


@pytest.mark.parametrize("flow", ["off", "dry-run"])
async def test_no_order_is_late_unless_orders_are_live(tmp_path: Path, flow: str) -> None:
    async with open_alerts_bench(tmp_path, shop_settings(alert_settings(), flow=flow)) as alerts:
        await alerts.take(order(line(1, "60.00"), paid_at=NOW))
        assert await alerts.advance(days=1) == []


async def test_a_stale_feed_is_reported_until_it_is_fresh(tmp_path: Path) -> None:
    async with open_alerts_bench(tmp_path, shop_settings(alert_settings())) as alerts:
        about = {"feed": "stock", "service": "balance-feed", "complete_at": NOW, "at": NOW}
        await alerts.take(FeedStateChanged(freshness="stale", **about))
        assert [(each.cause, each.what) for each in await alerts.advance(minutes=1)] == [("feed.stale", "opened")]
        await alerts.take(FeedStateChanged(freshness="fresh", **about), version=2)
        assert [(each.cause, each.what) for each in await alerts.advance(minutes=2)] == [("feed.stale", "resolved")]


async def test_a_rebuild_sends_nothing_twice(tmp_path: Path) -> None:
    # given dead letters of two causes in the topics, and the record that one of them was reported
    settings = shop_settings(alert_settings())
    facts = [dead_letter(1), dead_letter(2, Reason.PRODUCT_NO_SKU)]
    async with open_alerts_bench(tmp_path / "first", settings) as alerts:
        await alerts.take(facts[0])
        await alerts.advance(minutes=1)
        sent = await alerts.bench.events_of(AlertSent)
    async with open_alerts_bench(tmp_path / "second", settings) as alerts:
        await alerts.take(*facts, *sent)
        assert [each.cause for each in await alerts.advance(minutes=2)] == ["product.no-sku@main"]


async def test_messages_recorded_by_a_dry_run_are_sent_once_live(tmp_path: Path) -> None:
    async with open_alerts_bench(tmp_path / "first", shop_settings(alert_settings(dry_run=True))) as alerts:
        await alerts.take(dead_letter(1))
        await alerts.advance(minutes=1)
        assert await alerts.advance(minutes=9) == []
        sent = await alerts.bench.events_of(AlertSent)
    assert [each.dry_run for each in sent] == [True]
    async with open_alerts_bench(tmp_path / "second", shop_settings(alert_settings())) as alerts:
        await alerts.take(dead_letter(1), *sent)
        assert summary(await alerts.advance(minutes=2)) == [("everyone", "opened", 1)]


async def test_dead_letters_of_the_alerts_service_are_reported(tmp_path: Path) -> None:
    settings = shop_settings(alert_settings())
    assert settings.alerts is not None
    async with open_alerts_bench(tmp_path, settings) as alerts:
        own = dead_letter(9, Reason.RECORD_INVALID_DATA, service="alerts")
        await alerts.take(own)
        assert [each.cause for each in await alerts.advance(minutes=1)] == ["record.invalid-data"]
