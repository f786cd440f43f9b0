"""The work on an order of thousands of lines runs in a thread, so that it does not stop the service meanwhile."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contracts.shop import OrderChanged
from services.accounting.documents import booking
from services.engine.kafka import record as kafka_record
from services.order_exporter import deliveries, handlers
from tests.order_exporter.exporter_lanes import deliver_all, order_lanes
from tests.outbox.bench import open_bench
from tests.outbox.sample_service import record
from tests.support.exporting import PERSONAL_ID, buyer, line, link, order, settings
from tests.support.fake_books import FakeBooks

STEPS = {
    "decoded": (kafka_record, "decode"),
    "read back": (booking, "read_stored_document"),
    "compared": (booking, "compare_document"),
    "recorded": (deliveries, "_sale_recorded"),
}


def large_order(lines: int) -> OrderChanged:
    """An order of so many lines."""
    bought = [line(number + 1, f"{number % 90 + 10}.00", quantity="1") for number in range(lines)]
    return order(*bought, person=buyer(personal_id=PERSONAL_ID))


class ThreadLog:
    """The threads in which functions ran, by name."""

    def __init__(self) -> None:
        self.threads: defaultdict[str, set[str]] = defaultdict(set)

    def spy(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, which notes its thread."""

        def noted(*args: Any, **options: Any) -> Any:
            where = "loop" if threading.current_thread() is threading.main_thread() else "thread"
            self.threads[name].add(where)
            return function(*args, **options)

        return noted


async def export_order(folder: Path, monkeypatch: pytest.MonkeyPatch, lines: int) -> dict[str, set[str]]:
    """Export an order; returns in which threads each step ran."""
    log, rules = ThreadLog(), handlers.handlers(settings(**{"max-lines": 20_000}))
    for name, (module, function) in STEPS.items():
        monkeypatch.setattr(module, function, log.spy(name, getattr(module, function)))
    spied = replace(rules, decide=log.spy("decided", rules.decide))
    async with open_bench(folder, spied) as bench:
        await bench.take(record(link(311)))
        log.threads.clear()
        await bench.take(record(large_order(lines)))
        books = FakeBooks()
        await deliver_all(bench, order_lanes(books))
        assert books.puts("Sale") == 1
    return dict(log.threads)


async def test_a_large_order_leaves_the_loop_at_every_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = await export_order(tmp_path, monkeypatch, 2000)
    assert "thread" in found.pop("decided")  # a decision that only finds out what must be loaded needs none
    assert found == {name: {"thread"} for name in STEPS}


async def test_a_usual_order_needs_no_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = await export_order(tmp_path, monkeypatch, 3)
    assert found == {name: {"loop"} for name in (*STEPS, "decided")}
