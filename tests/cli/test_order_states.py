"""`davtari orders`: the state of every order that was read; only a trigger causes a document."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from contracts.envelope import Envelope
from contracts.ledger import NothingToCredit
from contracts.model import Event
from contracts.operations import DeadLetterSettled
from contracts.shop import OrderChanged, OrderRemoved, OrderUnreadable, RefundUnreadable
from services.cli.app import app
from services.cli.orders import app as orders_app
from services.cli.orders.states import ExportState, describe_order_state, list_order_states
from services.console.model.order_states import IDLE_STATES
from services.engine.outbox.decision import NOTHING
from services.order_exporter.handlers import handlers
from services.settings.model import Settings
from tests.cli.day_events import NOW, collect, envelopes, open_dead_letter, settled_dead_letter
from tests.outbox.dead_letter_samples import dead_letter_of_record
from tests.support.exporting import (
    KEY,
    ORDER,
    PAID,
    SHOP,
    given_back,
    line,
    link,
    order,
    recorded_sale,
    refund,
    settings,
)
from tests.support.memory_state import Consumer

BOUGHT = order(line(1, "20.00"))
SETTINGS = """
[balance]
application-id = "1234"
user-name = "integration"
password-file = "secrets/balance"
[shops.main]
url = "https://shop.example.test"
key-file = "secrets/key"
secret-file = "secrets/secret"
"""


def bought(**fields: Any) -> OrderChanged:
    return BOUGHT.model_copy(update=fields)


def read_state(*events: Event, using: Settings | None = None, now: datetime = NOW) -> ExportState:
    [found] = list_order_states(collect(*events), (using or settings()).shops, now)
    return found


UNTRIGGERED = {
    "pending": ({"status": "pending", "paid_at": None}, "pending; exported at processing or completed"),
    "waiting for a transfer": ({"status": "on-hold", "paid_at": None}, "on-hold; exported at processing or completed"),
    "not paid": ({"paid_at": None}, "processing, not paid yet"),
    "cash on delivery": ({"payment_method": "cod", "paid_at": None}, "processing; exported at completed"),
}


@pytest.mark.claim("S4.27")
@pytest.mark.parametrize(("fields", "why"), UNTRIGGERED.values(), ids=list(UNTRIGGERED))
def test_an_order_without_its_trigger_is_stored_and_not_exported(fields: dict[str, Any], why: str) -> None:
    seen = bought(**fields)
    found = read_state(seen)
    assert (found.state, found.order_id, found.status) == ("watching", ORDER, seen.status)
    assert found.why.startswith(why)
    exporter = Consumer(handlers(settings()))
    assert exporter.take(link(311), seen)[KEY] == NOTHING
    # and: once its trigger comes, it is watched no more, and exported
    assert read_state(seen, bought(status="completed")).state == "due"
    assert exporter.take(bought(status="completed"))[KEY].deliveries


@pytest.mark.claim("S4.27")
def test_each_order_has_a_state() -> None:
    gone = OrderRemoved(shop=SHOP, order_id=ORDER, observed_at=PAID)
    sale = recorded_sale(BOUGHT, settings())
    assert read_state(BOUGHT, sale).state == "in the books"
    assert read_state(BOUGHT, open_dead_letter(f"sale:{KEY}", KEY)).why.startswith(
        "balance.period-closed: davtari dead-letters show"
    )
    assert read_state(bought(status="cancelled")).state == "given up"
    assert read_state(BOUGHT, gone).state == "removed"
    assert read_state(BOUGHT, using=settings("dry-run")).why == "dry run: planned, not written"
    held = settings(hold=3600.0)
    assert read_state(BOUGHT, using=held, now=PAID + timedelta(minutes=5)).state == "held"
    assert read_state(BOUGHT, using=held).state == "due"


def test_a_closed_dead_letter_blocks_nothing() -> None:
    dead_letter = open_dead_letter(f"sale:{KEY}", KEY)
    closed = {"dead_letter": dead_letter.dead_letter, "service": "order-exporter", "original_key": KEY}
    settled = DeadLetterSettled.model_validate(closed | {"how": "replayed", "by": "nino", "at": PAID})
    assert read_state(BOUGHT, dead_letter, settled).state == "due"


def test_other_shops_are_left_out_and_each_order_is_listed_once() -> None:
    other = bought(shop="second")
    found = list_order_states(collect(BOUGHT, other, bought(status="completed")), settings().shops, NOW)
    assert Counter(one.shop for one in found) == {SHOP: 1}


@pytest.mark.claim("S4.27")
def test_the_state_of_an_order_names_its_trigger() -> None:
    story = envelopes(bought(status="on-hold", paid_at=None))
    assert describe_order_state(KEY, story, settings().shops).startswith(
        "watching: on-hold; exported at processing or completed"
    )
    assert describe_order_state("main:9", story, settings().shops) == ""


def shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *options: str) -> str:
    """What the command prints of an order in the books and one that is watched."""
    watched = bought(order_id=1043, number="1043", status="on-hold", paid_at=None)

    async def read(*_: Any) -> AsyncIterator[Envelope[Event]]:
        for envelope in envelopes(BOUGHT, recorded_sale(BOUGHT, settings()), watched):
            yield envelope

    monkeypatch.setattr(orders_app, "read_events", read)
    file = tmp_path / "davtari.toml"
    file.write_text(SETTINGS, encoding="utf-8")
    ran = CliRunner().invoke(app, ["--settings", str(file), "orders", *options])
    assert ran.exit_code == (2 if "--shop" in options else 0), ran.output
    return ran.output


@pytest.mark.claim("S4.27")
def test_the_command_filters_orders_by_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    everything, watching = shown(monkeypatch, tmp_path), shown(monkeypatch, tmp_path, "--watching")
    assert (
        "Orders: 2; 1 in the books, 1 watching." in everything and "Orders: 2; 1 in the books, 1 watching." in watching
    )
    assert ("1042" in everything, "1042" in watching, "1043" in watching) == (True, False, True)
    data = json.loads(shown(monkeypatch, tmp_path, "--open", "--json"))
    assert data["counts"] == {"in the books": 1, "watching": 1}
    assert [(one["order_id"], one["state"], one["status"]) for one in data["orders"]] == [(1043, "watching", "on-hold")]
    assert "Unknown shop 'other'. Known shops: main" in shown(monkeypatch, tmp_path, "--shop", "other")


SALE = recorded_sale(BOUGHT, settings())
BACK = refund("5.00", given_back(1, "5.00"))
UNREAD: dict[str, Any] = {"shop": SHOP, "order_id": ORDER, "observed_at": PAID}
PART = bought(parent_id=1000, created_via="marketplace")
WAITING = {
    "an order that cannot be read": (
        [OrderUnreadable(**UNREAD, reason="shop.order-invalid", detail="total: no amount", number="W-17")],
        [("W-17", None, "not readable", "total: no amount")],
    ),
    "an order whose record cannot be read": (
        [dead_letter_of_record("order-exporter", "shop.orders", KEY)],
        [("1042", None, "not readable", "davtari dead-letters show")],
    ),
    "an order that cannot be read any more": (
        [BOUGHT, OrderUnreadable(**UNREAD, reason="shop.order-outdated", detail="older than in the list")],
        [("1042", None, "not readable", "older than in the list")],
    ),
    "an order whose relation to its parent is not configured": (
        [PART],
        [
            (
                "1042",
                None,
                "needs a person",
                'child of 1000: set in orders.sub-orders how to treat orders of "marketplace"',
            )
        ],
    ),
    "a refund before the Sale of its order": (
        [bought(status="on-hold", paid_at=None), BACK],
        [("1042", 1051, "waits for its Sale", "its order has no Sale yet (watching)")],
    ),
    "a refund that cannot be read": (
        [BOUGHT, SALE, RefundUnreadable(**UNREAD, refund_id=1051, reason="shop.refund-invalid", detail="a wrong sign")],
        [("1042", 1051, "not readable", "refund 1051: a wrong sign")],
    ),
    "a refund that Balance refused": (
        [BOUGHT, SALE, BACK, open_dead_letter(f"credit-note:{KEY}:1051", KEY)],
        [("1042", 1051, "needs a person", "balance.period-closed: davtari dead-letters show")],
    ),
    "a refund on its way": ([BOUGHT, SALE, BACK], [("1042", 1051, "due", "its credit note is being exported")]),
}


@pytest.mark.claim("S4.27")
@pytest.mark.parametrize(("events", "waits"), WAITING.values(), ids=list(WAITING))
def test_every_waiting_order_has_a_reason(events: list[Event], waits: list[tuple[str, int | None, str, str]]) -> None:
    found = [one for one in list_order_states(collect(*events), settings().shops, NOW) if one.state not in IDLE_STATES]
    assert [(one.number, one.refund_id, one.state) for one in found] == [(n, r, state) for n, r, state, _ in waits]
    assert all(why in one.why for one, (*_, why) in zip(found, waits, strict=True)), found


NEVER_SOLD = NothingToCredit(
    shop=SHOP,
    order_id=ORDER,
    refund_id=1051,
    amount=BACK.amount,
    currency="GEL",
    why="it was never paid",
    seen_at=PAID,
)
REFUSED = open_dead_letter(f"sale:{KEY}", KEY)
ENDED = {
    "a refund of an order that was given up before its Sale": ([bought(status="cancelled"), BACK], "nothing to credit"),
    "a refund of an order that never had a Sale": (
        [bought(status="refunded", paid_at=None), BACK, NEVER_SOLD],
        "nothing to credit",
    ),
    "an order whose dead letter a person gave up": (
        [BOUGHT, REFUSED, settled_dead_letter(REFUSED, "discarded")],
        "given up",
    ),
    "a part of another order": ([PART], "part of another order"),
    "a refund of a part": ([PART, BACK], "nothing to credit"),
    "a refund that is booked by hand": ([BOUGHT, SALE, BACK], "booked by hand"),
}


@pytest.mark.parametrize(("events", "state"), ENDED.values(), ids=list(ENDED))
def test_a_final_state_without_a_document_has_a_reason(events: list[Event], state: str) -> None:
    using = settings(sub_orders={"marketplace": "part-of-parent"})
    shop = using.shops[SHOP]
    by_hand = shop.model_copy(update={"refunds": shop.refunds.model_copy(update={"policy": "manual"})})
    [*_, last] = list_order_states(collect(*events), {SHOP: by_hand}, NOW)
    assert (last.state, last.state in IDLE_STATES) == (state, True)


def test_a_waiting_delivery_is_the_reason_of_its_order(tmp_path: Path) -> None:
    waits = {f"sale:{KEY}": "waits: product 311 is not linked"}
    [found] = list_order_states(collect(BOUGHT), settings().shops, NOW, waits)
    assert (found.state, found.why) == ("due", "waits: product 311 is not linked")
    story = envelopes(BOUGHT, SALE, BACK)
    assert describe_order_state(KEY, story, settings().shops).endswith(
        "refund 1051 due: its credit note is being exported"
    )
