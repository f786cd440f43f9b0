"""An account deleted in the shop is shown with its client and orders, and has no other effect."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.customers import CustomerRemoved, CustomerReturned
from contracts.model import Event
from services.cli.clients import view
from services.cli.clients.history import RETAIL, ClientFacts
from services.cli.orders.timeline import build_timeline
from services.connectors.woocommerce.customers import account_ref
from tests.cli.client_events import client_facts, enveloped, sold
from tests.order_exporter.export_bench import CLIENT, bought
from tests.support.memory_state import NOON

SENTENCE = "account 7 deleted in the shop, seen on 2026-03-02; the client and its documents remain in Balance"


def about(customer_id: int = 7) -> dict[str, Any]:
    ref = account_ref("main", customer_id)
    return {"shop": "main", "customer_id": customer_id, "person_ref": ref, "observed_at": NOON}


GONE, BACK = CustomerRemoved(**about()), CustomerReturned(**about())


def let_go(order_id: int = 1042) -> Event:
    """The order as the shop shows it once the account is gone: a guest's."""
    return bought(order_id=order_id, number=str(order_id), customer_id=0, person_ref="p-guest")


def flags(known: ClientFacts) -> object:
    return view.client_to_dict(known, known.find(CLIENT))["ended_accounts"]


@pytest.mark.claim("S2.16")
def test_a_deleted_account_is_shown_with_its_client(capsys: pytest.CaptureFixture[str]) -> None:
    before, after = client_facts(*sold(customer_id=7)), client_facts(*sold(customer_id=7), GONE, let_go())
    view.print_clients(after)
    listed = capsys.readouterr().out
    view.print_client(after, after.find(CLIENT))

    assert flags(after) == [{"customer": 7, "seen_on": "2026-03-02"}]
    assert f"{CLIENT}: {SENTENCE}" in listed
    assert SENTENCE in capsys.readouterr().out
    assert view.client_to_dict(after, after.find(CLIENT)) | {"ended_accounts": []} == view.client_to_dict(
        before, before.find(CLIENT)
    )


@pytest.mark.parametrize(
    "events",
    [(), (GONE, BACK), (CustomerRemoved(**about(8)),), (CustomerRemoved(**about(1042)),)],
    ids=["no event", "it answers again", "another account", "an account with the number of the order"],
)
def test_other_clients_are_not_affected(events: tuple[Event, ...]) -> None:
    assert flags(client_facts(*sold(customer_id=7), *events)) == []


def test_the_retail_client_has_no_accounts() -> None:
    known = client_facts(*sold(customer_id=7), GONE)
    known.find(CLIENT).how = RETAIL
    assert flags(known) == []


def lines(*events: Event) -> list[str]:
    """What the passport of the order says."""
    found = build_timeline("main:1042", [enveloped(event, version) for version, event in enumerate(events, start=1)])
    assert found is not None
    return [entry.what for entry in found.entries]


def test_the_timeline_of_its_order_shows_it() -> None:
    shown = lines(*sold(customer_id=7), GONE, let_go(), BACK)
    assert "account 7 deleted in the shop; the client and its documents remain in Balance" in shown
    assert "account 7 was restored in the shop" in shown


def test_an_account_with_the_number_of_an_order_is_not_that_order() -> None:
    story = sold(customer_id=7)
    assert lines(*story, CustomerRemoved(**about(1042))) == lines(*story)
