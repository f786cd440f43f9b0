"""An order's documents whole, as sent or as a dry run would send them; and what was believed at an earlier time."""

from __future__ import annotations

import json

import pytest

from contracts.ledger import SalePlanned
from services.cli.orders.app import collect_payloads
from services.cli.screen import console, print_json
from services.order_exporter.announcements import sale_planned
from tests.cli.day_events import envelopes, recorded_credit_note
from tests.support.exporting import KEY, PAID, given_back, line, order, recorded_sale, refund, sale_task, settings

USING = settings()
BOUGHT = order(line(1, "20.00", quantity="2"))


def plan() -> SalePlanned:
    return sale_planned(sale_task(BOUGHT, USING), PAID)


@pytest.mark.claim("S0.35")
def test_planned_documents_are_complete_json() -> None:
    with console.capture() as shown:
        print_json(collect_payloads(KEY, envelopes(BOUGHT, plan())))
    [document] = json.loads(shown.get())
    assert (document["state"], document["total"], document["payload"]) == (
        "planned",
        "20.00",
        sale_task(BOUGHT, USING).document,
    )


def test_a_recorded_document_replaces_its_plan_and_refunds_are_separate() -> None:
    note = recorded_credit_note(refund("10.00", given_back(1, "10.00", quantity="1")), BOUGHT)
    events = envelopes(BOUGHT, recorded_sale(BOUGHT, USING), note, plan())
    found = collect_payloads(KEY, events)
    assert [(one["document"], one["refund"], one["state"]) for one in found] == [
        ("credit-note", 1051, "recorded"),
        ("sale", None, "recorded"),
    ]
    assert collect_payloads("main:9", events) == []
