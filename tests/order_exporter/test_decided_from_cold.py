"""An order is decided alike with nothing in memory, where each run of the rule loads more, and with everything."""

from __future__ import annotations

from functools import partial

import pytest

from contracts.catalog import ProductLinked
from services.engine.outbox.decision import Decision
from services.engine.outbox.handlers import Decide
from services.engine.state.session import NotLoaded, Session
from services.order_exporter.handlers import handlers
from services.sandbox.recorded import get_recording, list_order_ids
from services.settings.model import Settings
from tests.support.exporting import FEE, SHIPPING, link, push, recorded_order, settings
from tests.support.memory_state import Consumer, MemoryState

RUNS = 20
"""More than the reads in a decision: a rule that reads in a loop would need more for a long order."""


def decided(decide: Decide, subject: str, known: MemoryState) -> Decision:
    """The decision of the engine when nothing is loaded yet."""
    session = Session(known.now)
    for _ in range(RUNS):
        try:
            return session.run(partial(decide, subject, session))
        except NotLoaded as error:
            _load(session, error, known)
    raise AssertionError(f"{subject} is still interrupted after {RUNS} runs")


def _load(session: Session, error: NotLoaded, known: MemoryState) -> None:
    for slot, by_ref in error.missing:
        kind, name = slot
        rows = [
            (kind, key, known.refs[kind, key], record.model_dump_json())
            for (of, key), record in known.records.items()
            if of == kind and name == (known.refs[kind, key] if by_ref else key)
        ]
        (session.add_references if by_ref else session.add_records)([slot], rows)


def links_of(lines: set[int]) -> list[ProductLinked]:
    """A link for each product."""
    return [link(product) for product in sorted(lines)]


@pytest.mark.parametrize("flow", ["live", "dry-run"])
@pytest.mark.parametrize("linked", [True, False])
@pytest.mark.parametrize("rules", [{}, {"approve_first": 2, "short_stock": "wait", "warehouses": ["Main", "Branch"]}])
def test_what_is_loaded_on_the_way_changes_no_decision(flow: str, linked: bool, rules: dict[str, object]) -> None:
    using: Settings = settings(flow, shipping_item=SHIPPING, fee_item=FEE, **rules)
    for number in list_order_ids()[::4]:
        order = recorded_order(get_recording(number))
        products = {line.variation_id or line.product_id for line in order.lines if line.kind == "product"} - {0}
        consumer = Consumer(handlers(using))
        consumer.take(order, *(links_of(products) if linked else ()), push(order_id=order.order_id, dry_run=number % 2))
        warm = consumer.decisions[order.key]
        assert decided(consumer.handlers.decide, order.key, consumer.state) == warm, order.number
