"""Notes at the shop's orders: once for each document, in the shop's language, for the readers in the settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from contracts.notices import OrderNotePlanned, OrderNoteWritten
from contracts.operations import DeadLetterSettled
from contracts.reasons import Reason
from services.connectors.woocommerce.order import order_changed
from services.sandbox.faults import InjectedFault
from tests.order_notifier.notifier_bench import (
    MAIL,
    NOTES,
    credit,
    parked,
    plan,
    rebuilt,
    sale,
    settings,
    world,
)
from tests.outbox.sample_service import NOW


def notes(**rules: Any) -> dict[str, Any]:
    return {"notes": NOTES | rules}


@pytest.mark.claim("S4.28", "S4.29", "S4.30")
async def test_a_recorded_sale_gets_one_private_note_with_number_date_and_total(tmp_path: Path) -> None:
    async with world(tmp_path, settings(**notes())) as on:
        order = on.sells()
        await on.sold(order)
        await on.works()
        [(text, customer)] = on.notes(order)
        assert text.startswith(
            f"Balance: order {order} is recorded as Sale 0000123 of 02.03.2026, 60.00 GEL. (davtari-"
        )
        assert (customer, on.shop.mails, on.status(order)) == (False, [], "processing")
        [event] = await on.events()
        assert isinstance(event, OrderNoteWritten)
        assert (event.how, event.document, event.says, event.marker in text) == (
            "written",
            f"sale-of-{order}",
            text,
            True,
        )
        # and: whatever comes afterwards, nothing is written twice
        await on.reads(order)
        await on.take(sale(order))
        await on.works()
        assert len(on.notes(order)) == 1


@pytest.mark.claim("S4.29")
async def test_a_note_for_the_customer_is_shown_and_mailed_once(tmp_path: Path) -> None:
    own = {"sale": "ინვოისი {document}, {total} {currency}"}
    async with world(tmp_path, settings(**notes(sale="customer", language="ka", templates=own))) as on:
        order = on.sells()
        await on.sold(order)
        await on.works()
        [(text, customer)] = on.notes(order)
        assert (text.startswith("ინვოისი 0000123, 60.00 GEL ("), customer) == (True, True)
        assert [(mail["kind"], mail["to"]) for mail in on.shop.mails] == [("customer_note", MAIL)]


@pytest.mark.claim("S4.29", "S4.30")
async def test_each_language_has_its_words_and_a_waybill_is_added_when_it_is_known(tmp_path: Path) -> None:
    async with world(tmp_path, settings(**notes(language="ka"))) as on:
        order = on.sells()
        await on.sold(order, waybill="0777")
        await on.take(credit(order, "15.00"))
        await on.works()
        sold, credited = (text for text, _ in on.notes(order))
        assert "რეალიზაცია 0000123, 02.03.2026, 60.00 GEL." in sold and "ზედნადები 0777." in sold
        assert "საკრედიტო ნოტა 0000051, 02.03.2026, 15.00 GEL." in credited and "ზედნადები" not in credited


@pytest.mark.claim("S4.30")
async def test_every_credit_note_has_a_note_of_its_own(tmp_path: Path) -> None:
    async with world(tmp_path, settings(**notes(sale="off"))) as on:
        order = on.sells()
        await on.sold(order)
        await on.take(credit(order, "15.00", 51))
        await on.works()
        await on.take(credit(order, "15.00", 52), credit(order, "15.00", 51))
        await on.works()
        assert [text.split(" credit note ")[1][:7] for text, _ in on.notes(order)] == ["0000051", "0000052"]


@pytest.mark.claim("S4.29")
@pytest.mark.parametrize("kind", ["commit_then_reset", "reset"])
async def test_an_unknown_outcome_is_looked_up_before_anything_is_written_again(tmp_path: Path, kind: Any) -> None:
    async with world(tmp_path, settings(**notes(sale="customer"))) as on:
        order = on.sells()
        await on.sold(order)
        on.faults.add(InjectedFault(kind=kind, match=r"POST .*/notes$", times=1))
        await on.works()
        on.bench.clock.advance(600)
        await on.works()
        [event] = await on.events()
        assert isinstance(event, OrderNoteWritten)
        assert (len(on.notes(order)), len(on.shop.mails)) == (1, 1)
        assert event.how == ("found" if kind == "commit_then_reset" else "written")


@pytest.mark.claim("S4.29")
@pytest.mark.parametrize("with_own_events", [True, False], ids=["own events kept", "own events lost"])
async def test_a_lost_database_writes_no_note_again(tmp_path: Path, with_own_events: bool) -> None:
    using = settings(**notes(sale="customer"))
    async with world(tmp_path / "old", using) as on:
        order = on.sells()
        await on.sold(order)
        await on.take(credit(order, "15.00"))
        await on.works()
        facts = [order_changed("main", on.shop.orders[order] | {"refunds": []}), sale(order), credit(order, "15.00")]
        event = [one for one in await on.bench.published() if one.data.TOPIC == "shop.notices"]
        before = on.writes()
        async with world(tmp_path / "new", using, like=on) as again:
            await rebuilt(again, facts, event if with_own_events else ())
            assert (again.writes(), len(again.notes(order)), len(again.shop.mails)) == (before, 2, 1)
            hows = [one.how for one in await again.events() if isinstance(one, OrderNoteWritten)]
            assert hows == ([] if with_own_events else ["found", "found"])


async def test_a_dry_run_says_what_it_would_write_and_writes_nothing(tmp_path: Path) -> None:
    async with world(tmp_path, settings(**notes(mode="dry-run", sale="customer"))) as on:
        order = on.sells()
        await on.sold(order)
        await on.reads(order)
        await on.works()
        [event] = await on.events()
        assert isinstance(event, OrderNotePlanned)
        assert (event.customer, "0000123" in event.says, on.writes()) == (True, True, [])


@pytest.mark.parametrize("rules", [{}, notes(since="2026-03-03"), notes(sale="off")], ids=["off", "before", "none"])
async def test_nothing_is_asked_of_the_shop_where_nothing_is_wanted(tmp_path: Path, rules: dict[str, Any]) -> None:
    async with world(tmp_path, settings(**rules)) as on:
        order = on.sells()
        await on.sold(order)
        await on.works()
        assert (on.notes(order), await on.events(), len(on.faults.journal.entries)) == ([], [], 0)


async def test_a_plan_gets_a_note_in_a_dry_run_and_never_for_the_customer(tmp_path: Path) -> None:
    async with world(tmp_path, settings("dry-run", **notes(plan="private"))) as on:
        order = on.sells()
        await on.reads(order)
        await on.take(plan(order))
        await on.take(plan(order, "65.00"))
        await on.works()
        [(text, customer)] = on.notes(order)
        assert "would become a Sale of 02.03.2026, 65.00 GEL" in text and not customer


async def test_a_plan_beside_a_recorded_sale_gets_no_note(tmp_path: Path) -> None:
    async with world(tmp_path, settings("dry-run", **notes(plan="private", sale="off"))) as on:
        order = on.sells()
        await on.sold(order)
        await on.take(plan(order))
        await on.works()
        assert on.notes(order) == []


async def test_a_plan_asked_for_while_orders_are_live_makes_no_note(tmp_path: Path) -> None:
    async with world(tmp_path, settings(**notes(plan="private"))) as on:
        order = on.sells()
        await on.reads(order)
        await on.take(plan(order))
        await on.works()
        assert on.notes(order) == []


async def test_a_parked_order_gets_a_note_with_its_reason_and_nothing_of_the_detail(tmp_path: Path) -> None:
    async with world(tmp_path, settings(**notes(parked="private"))) as on:
        order = on.sells()
        await on.reads(order)
        await on.take(parked(order))
        await on.works()
        [(text, customer)] = on.notes(order)
        assert f"order {order} waits for a person" in text and "(sale.item-not-linked)" in text
        assert "TEA-100" not in text and not customer
        # and: the same dead_letter, opened again, is no other note
        await on.take(parked(order))
        await on.works()
        assert len(on.notes(order)) == 1


async def test_what_waits_since_before_the_days_that_count_gets_no_note(tmp_path: Path) -> None:
    async with world(tmp_path, settings(**notes(parked="private", since="2026-03-03"))) as on:
        order = on.sells()
        await on.reads(order)
        await on.take(parked(order))
        await on.works()
        assert on.notes(order) == []


async def test_what_was_settled_before_its_note_was_written_gets_no_note(tmp_path: Path) -> None:
    async with world(tmp_path, settings(**notes(parked="private"))) as on:
        order = on.sells()
        await on.reads(order)
        await on.take(parked(order))
        dead_letter = parked(order)
        gone = {
            "dead_letter": dead_letter.dead_letter,
            "service": dead_letter.service,
            "original_key": dead_letter.original_key,
        }
        await on.take(DeadLetterSettled.model_validate(gone | {"how": "overtaken", "by": "order-exporter", "at": NOW}))
        await on.works()
        assert on.notes(order) == []


async def test_a_note_for_an_order_that_vanished_unseen_becomes_a_dead_letter(tmp_path: Path) -> None:
    async with world(tmp_path, settings(**notes())) as on:
        order = on.sells()
        await on.sold(order)
        del on.shop.orders[order]
        await on.works()
        [dead_letter] = await on.bench.dead_letters()
        assert (dead_letter.reason, str(order) in dead_letter.detail) == (Reason.SHOP_REFUSED, True)


async def test_a_shop_that_rewrites_the_note_is_reported_and_not_written_to_again(tmp_path: Path) -> None:
    async with world(tmp_path, settings(**notes())) as on:
        order = on.sells()
        await on.sold(order)
        other = '{"id": 7, "note": "hello", "customer_note": false}'
        on.faults.add(InjectedFault(kind="status", match=r"POST .*/notes$", status=201, body=other))
        await on.works()
        [dead_letter] = await on.bench.dead_letters()
        assert (dead_letter.reason, "does a plugin rewrite notes" in dead_letter.detail) == (
            Reason.SHOP_ECHO_DIFFERS,
            True,
        )
