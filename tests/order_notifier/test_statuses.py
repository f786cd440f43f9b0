"""The status that follows from the books: by the allow-list only, never backwards, never on an outdated base, once."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from contracts.ledger import SaleRecorded
from contracts.notices import OrderStatusPlanned, OrderStatusWritten
from contracts.reasons import Reason
from contracts.shop import OrderRemoved
from services.connectors.woocommerce.order import order_changed
from services.engine.outbox.decision import NOTHING
from services.order_exporter.handlers import handlers as order_exporter
from services.sandbox.faults import InjectedFault
from services.sandbox.woocommerce.orders import Orders
from tests.order_notifier.notifier_bench import MOVES, NOTES, credit, rebuilt, sale, settings, world
from tests.outbox.sample_service import NOW, record_of
from tests.support import exporting
from tests.support.memory_state import Consumer


def moves(**rules: Any) -> dict[str, Any]:
    return {"statuses": MOVES | rules}


@pytest.mark.claim("S2.10", "S3.42", "S4.28")
async def test_a_posted_order_moves_on_as_the_list_says_and_our_change_comes_back_without_effect(
    tmp_path: Path,
) -> None:
    async with world(tmp_path, settings(**moves())) as on:
        order = on.sells()
        await on.sold(order)
        await on.works()
        assert on.status(order) == "completed"
        [event] = await on.events()
        assert isinstance(event, OrderStatusWritten)
        assert (event.booked, event.was, event.status, event.how) == ("posted", "processing", "completed", "written")
        # when our own change is read back, again and again
        for _ in range(3):
            await on.reads(order)
            await on.take(sale(order))
            await on.works()
        assert on.writes() == [f"PUT /wp-json/wc/v3/orders/{order}"]


@pytest.mark.claim("S2.10")
async def test_our_own_status_makes_no_second_sale_and_no_correction() -> None:
    exporter = Consumer(order_exporter(exporting.settings(after_sale="credit-and-new-sale")))
    bought = exporting.order(exporting.line(1, "20.00"))
    exporter.take(bought, exporting.recorded_sale(bought, exporting.settings()), exporting.link(311))
    done = bought.model_copy(update={"status": "completed", "completed_at": exporting.PAID})
    assert exporter.take(done) == {exporting.KEY: NOTHING}


@pytest.mark.claim("K14")
async def test_without_a_word_in_the_settings_no_status_is_ever_written(tmp_path: Path) -> None:
    async with world(tmp_path, settings(notes={"mode": "live", "since": MOVES["since"]})) as on:
        order = on.sells()
        await on.sold(order)
        await on.works()
        assert (on.status(order), [one for one in on.writes() if "PUT" in one]) == ("processing", [])


@pytest.mark.claim("S2.12", "K14")
@pytest.mark.parametrize("status", ["completed", "on-hold", "pending", "cancelled", "failed"])
async def test_a_status_that_the_list_does_not_name_stays(tmp_path: Path, status: str) -> None:
    async with world(tmp_path, settings(**moves())) as on:
        order = on.sells()
        on.by_hand(order, status)
        await on.sold(order)
        await on.works()
        assert (on.status(order), on.writes(), await on.bench.dead_letters()) == (status, [], [])


@pytest.mark.claim("S2.12", "K14")
async def test_an_unknown_status_does_nothing_and_is_reported_until_it_is_left(tmp_path: Path) -> None:
    async with world(tmp_path, settings(**moves())) as on:
        order = on.sells()
        on.shop.orders[order]["status"] = "packed-by-plugin"
        await on.sold(order)
        await on.works()
        [dead_letter] = await on.bench.dead_letters()
        assert (dead_letter.reason, "'packed-by-plugin'" in dead_letter.detail, on.writes()) == (
            Reason.SHOP_STATUS_UNKNOWN,
            True,
            [],
        )
        on.by_hand(order, "processing")
        await on.reads(order)
        await on.works()
        assert (on.status(order), len(await on.bench.closed_dead_letters())) == ("completed", 1)


@pytest.mark.claim("S2.12")
@pytest.mark.parametrize("where", ["statuses", "orders"])
async def test_a_plugins_status_that_the_settings_know_is_no_unknown_one(tmp_path: Path, where: str) -> None:
    known: dict[str, Any] = moves(posted={"packed": "completed"})
    if where == "orders":
        known = moves() | {"orders": {"waiting_statuses": ["packed"]}}
    async with world(tmp_path, settings(**known)) as on:
        order = on.sells()
        on.shop.orders[order]["status"] = "packed"
        await on.sold(order)
        await on.works()
        assert await on.bench.dead_letters() == []
        assert on.status(order) == ("completed" if where == "statuses" else "packed")


STALE: dict[str, dict[str, Any]] = {
    "its status": {"status": "on-hold"},
    "its lines": {"fee_lines": [{"name": "gift", "total": "5.00"}]},
}


@pytest.mark.claim("S2.12", "K14")
@pytest.mark.parametrize("change", STALE, ids=list(STALE))
async def test_an_order_that_moved_since_it_was_read_is_left_until_it_is_read_again(
    tmp_path: Path, change: str
) -> None:
    async with world(tmp_path, settings(**moves())) as on:
        order = on.sells()
        await on.sold(order)
        Orders(on.shop).update(order, STALE[change], strict=True)
        await on.works()
        assert on.writes() == []
        [waiting] = (await on.bench.rows()).values()
        assert waiting.blocked_on == f"order-read:main:{order}"
        # when it is read again it is decided again
        await on.reads(order)
        await on.works()
        assert on.status(order) == ("on-hold" if change == "its status" else "completed")
        assert await on.bench.rows() == {}


@pytest.mark.claim("K14")
async def test_a_save_that_changes_nothing_is_no_other_base(tmp_path: Path) -> None:
    async with world(tmp_path, settings(**moves())) as on:
        order = on.sells()
        await on.sold(order)
        on.bench.clock.advance(60)
        Orders(on.shop).update(order, {"customer_note": "please ring"}, strict=True)
        await on.works()
        assert on.status(order) == "completed"


async def test_an_order_that_is_never_read_again_is_reported_at_last(tmp_path: Path) -> None:
    async with world(tmp_path, settings(**moves())) as on:
        order = on.sells()
        await on.sold(order)
        on.by_hand(order, "on-hold")
        await on.works()
        on.bench.clock.advance(2 * 3600)
        await on.bench.engine.dead_letter_overdue()
        [dead_letter] = await on.bench.dead_letters()
        assert (dead_letter.reason, "'on-hold'" in dead_letter.detail) == (Reason.SHOP_ORDER_MOVED, True)


async def test_a_sale_of_before_that_is_credited_in_the_days_that_count_moves_its_order(tmp_path: Path) -> None:
    async with world(tmp_path, settings(**moves(since="2026-03-03"))) as on:
        order = on.sells("on-hold")
        await on.sold(order)
        await on.take(credit(order, "60.00", at=NOW + timedelta(days=1)))
        await on.works()
        assert on.status(order) == "cancelled"


async def test_an_order_that_the_shop_does_not_hold_any_more_gets_nothing(tmp_path: Path) -> None:
    async with world(tmp_path, settings(**moves(), notes=NOTES)) as on:
        order = on.sells()
        await on.reads(order)
        await on.take(OrderRemoved(shop="main", order_id=order, observed_at=NOW))
        await on.take(sale(order))
        await on.works()
        assert (on.writes(), await on.events()) == ([], [])


@pytest.mark.claim("S2.10")
async def test_only_an_order_that_is_credited_whole_counts_as_credited(tmp_path: Path) -> None:
    async with world(tmp_path, settings(**moves(posted={}))) as on:
        order = on.sells("on-hold")
        await on.sold(order)
        await on.take(credit(order, "15.00", 51))
        await on.works()
        assert on.status(order) == "on-hold"
        await on.take(credit(order, "45.00", 52))
        await on.works()
        assert on.status(order) == "cancelled"


@pytest.mark.claim("K14")
async def test_whoever_moves_an_order_after_us_has_the_last_word(tmp_path: Path) -> None:
    async with world(tmp_path, settings(**moves())) as on:
        order = on.sells()
        await on.sold(order)
        await on.works()
        on.by_hand(order, "processing")
        await on.reads(order)
        await on.works()
        assert on.status(order) == "processing"


@pytest.mark.claim("K14")
@pytest.mark.parametrize("kind", ["commit_then_reset", "reset"])
async def test_an_unknown_outcome_is_read_before_it_is_written_again(tmp_path: Path, kind: Any) -> None:
    async with world(tmp_path, settings(**moves())) as on:
        order = on.sells()
        await on.sold(order)
        on.faults.add(InjectedFault(kind=kind, match=r"PUT .*/orders/", times=1))
        await on.works()
        on.bench.clock.advance(600)
        await on.works()
        assert on.status(order) == "completed"
        assert [mail["kind"] for mail in on.shop.mails] == ["completed_order"]
        assert len(on.writes()) == (1 if kind == "commit_then_reset" else 2)
        [event] = await on.events()
        assert isinstance(event, OrderStatusWritten)
        assert event.how == ("found" if kind == "commit_then_reset" else "written")


async def test_a_lost_database_moves_no_order_again(tmp_path: Path) -> None:
    using = settings(**moves())
    async with world(tmp_path / "old", using) as on:
        order = on.sells()
        await on.sold(order)
        await on.works()
        on.by_hand(order, "processing")
        facts = [order_changed("main", Orders(on.shop).read(order)), sale(order)]
        event = [one for one in await on.bench.published() if one.data.TOPIC == "shop.notices"]
        assert all(record_of(one).key == f"main:{order}".encode() for one in event)
        async with world(tmp_path / "new", using, like=on) as again:
            await rebuilt(again, facts, event)
            assert (again.status(order), await again.events()) == ("processing", [])


async def test_a_dry_run_announces_the_status_once_and_writes_none(tmp_path: Path) -> None:
    async with world(tmp_path, settings(**moves(mode="dry-run"))) as on:
        order = on.sells()
        await on.sold(order)
        await on.reads(order)
        await on.works()
        [event] = await on.events()
        assert isinstance(event, OrderStatusPlanned)
        assert (event.was, event.status, on.writes()) == ("processing", "completed", [])


async def test_a_sale_of_before_the_first_day_moves_nothing_nor_does_a_later_refund_of_a_part(tmp_path: Path) -> None:
    async with world(tmp_path, settings(**moves())) as on:
        order = on.sells()
        await on.sold(order, at=NOW - timedelta(days=3))
        await on.take(credit(order, "15.00"))
        await on.works()
        assert (on.status(order), on.writes()) == ("processing", [])


async def test_a_shop_that_keeps_another_status_is_reported(tmp_path: Path) -> None:
    async with world(tmp_path, settings(**moves())) as on:
        order = on.sells()
        await on.sold(order)
        kept = f'{{"id": {order}, "status": "on-hold"}}'
        on.faults.add(InjectedFault(kind="status", match=r"PUT .*/orders/", status=200, body=kept))
        await on.works()
        [dead_letter] = await on.bench.dead_letters()
        assert (dead_letter.reason, "answers 'on-hold'" in dead_letter.detail) == (Reason.SHOP_ECHO_DIFFERS, True)
        assert not [one for one in await on.events() if isinstance(one, SaleRecorded)]


async def test_a_sale_that_is_recorded_and_not_posted_moves_nothing_until_it_is(tmp_path: Path) -> None:
    async with world(tmp_path, settings(**moves())) as on:
        order = on.sells()
        await on.sold(order, posted=False)
        await on.works()
        assert (on.status(order), on.writes()) == ("processing", [])
        await on.take(sale(order))
        await on.works()
        assert on.status(order) == "completed"
